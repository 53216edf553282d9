// Certificates for tests, made for nothing else: an authority, two certificates that it has issued to localhost and
// 127.0.0.1, and a self-signed one. They last a hundred years.
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certified {
  readonly cert: string;
  readonly key: string;
}

export const AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBmTCCAT+gAwIBAgIUecgXLF8YCAIYhTA62YhhYHXg+kYwCgYIKoZIzj0EAwIw
ITEfMB0GA1UEAwwWZ29zaGFyZSB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjYxMDU0
MzlaGA8yMTI2MTEwMjEwNTQzOVowITEfMB0GA1UEAwwWZ29zaGFyZSB0ZXN0IGF1
dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHuJv2ONLTA5taM59yF0
8zl/tOM1YjeQ2WSS7ixwQNnJ1nkSQPWdBhZ4JSw9xEBu7anpz/g8HvjL4rIfrdzH
MPijUzBRMB0GA1UdDgQWBBQdWCcS8UwUHyNpjYV0YMs9wtbTYzAfBgNVHSMEGDAW
gBQdWCcS8UwUHyNpjYV0YMs9wtbTYzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49
BAMCA0gAMEUCIQCY7AmYJ6AYMfCLTTol2SEGXBinac9Iw45qsZ0qYN6dkwIgA66D
LOLy2osteJcRWssNhsCO4axPyPNGq0h1JlH5/qI=
-----END CERTIFICATE-----
`;

export const FIRST: Certified = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBoTCCAUegAwIBAgIUX3WpsACe2kajqRehgzRgyr0ee98wCgYIKoZIzj0EAwIw
ITEfMB0GA1UEAwwWZ29zaGFyZSB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjYxMDU0
MzlaGA8yMTI2MTEwMjEwNTQzOVowEzERMA8GA1UEAwwIb25lLnRlc3QwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAARKusAdSYMhdf4taeL7xGtRRcB8+G7cM0ZZvFSt
rbt9N3CZjCZL5zCR0SkcnO9VZ8o/wSOwmS74ycp2bSpVdlCMo2kwZzAaBgNVHREE
EzARgglsb2NhbGhvc3SHBH8AAAEwCQYDVR0TBAIwADAdBgNVHQ4EFgQUBxBXsKmC
eCUO/YFbtAuZe0eo3TIwHwYDVR0jBBgwFoAUHVgnEvFMFB8jaY2FdGDLPcLW02Mw
CgYIKoZIzj0EAwIDSAAwRQIhAMUEDhsuBFFeNG2ezy1W9GZNd8AoZS1jBwiSKTHR
9Fm2AiBPQyIpLExv1GA/ngD/XZhmAd+fm6o1DFGGH4is0+1QQA==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGVd+MLCM5Cv/UtDX
v2cKTU9U0baoCOPA+PcxgjeVvgChRANCAARKusAdSYMhdf4taeL7xGtRRcB8+G7c
M0ZZvFStrbt9N3CZjCZL5zCR0SkcnO9VZ8o/wSOwmS74ycp2bSpVdlCM
-----END PRIVATE KEY-----
`,
};

export const SECOND: Certified = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBoTCCAUegAwIBAgIUX3WpsACe2kajqRehgzRgyr0ee+AwCgYIKoZIzj0EAwIw
ITEfMB0GA1UEAwwWZ29zaGFyZSB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjYxMDU0
MzlaGA8yMTI2MTEwMjEwNTQzOVowEzERMA8GA1UEAwwIdHdvLnRlc3QwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAARxEWXKYTD8lrJDDC0Ib8kuBBRJzzu4vgNhM606
zMUitDwoMA4L1gMaedKlKCI1c9X2s5EIdZNk6t6Gd5rmnzaAo2kwZzAaBgNVHREE
EzARgglsb2NhbGhvc3SHBH8AAAEwCQYDVR0TBAIwADAdBgNVHQ4EFgQUnOyndjGD
GxnxlBSF3rffLWsHW4gwHwYDVR0jBBgwFoAUHVgnEvFMFB8jaY2FdGDLPcLW02Mw
CgYIKoZIzj0EAwIDSAAwRQIhAIUdKA9YLMSqiMCeaEeRQgma2t4QAD9hPCSBIfBf
+Q5KAiB8Dl8q3rml3kSACDa7TxtRG8oW1iO8IrHvFTaKCyW38Q==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLJcUVT3Rrr2WWpaA
gC06czPKiycgTu4BscBDFzSkYKyhRANCAARxEWXKYTD8lrJDDC0Ib8kuBBRJzzu4
vgNhM606zMUitDwoMA4L1gMaedKlKCI1c9X2s5EIdZNk6t6Gd5rmnzaA
-----END PRIVATE KEY-----
`,
};

export const SELF_SIGNED: Certified = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUbfMGcamVskKbNQ2Kl5BiPEVOc7swCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJc2VsZi50ZXN0MCAXDTI2MTEyNjEwNTQzOVoYDzIxMjYxMTAy
MTA1NDM5WjAUMRIwEAYDVQQDDAlzZWxmLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARBW+konbCoMIhHhV/DMXTtDzysxfQ61G4gkqH4IBuLpEZQy6hrj9T4
UbmgLXdATRUs8mWDYhfdCcbuGwOMM2Jmo1MwUTAdBgNVHQ4EFgQUkdHkzqlExmkT
ikj/v//enN5c03owHwYDVR0jBBgwFoAUkdHkzqlExmkTikj/v//enN5c03owDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAsG02EU0Oul6GzVGmVL0+
ntTI+RmA5h9F5xypjFf3nrkCIQDRVUx1a4zF7Hx+2YnYsZB05+v6eFvd/k/LR8qd
thbQnQ==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJq4uC3rWvnuY935r
YDnq99k4ik7QG9yL8Kv/OFfOWyihRANCAARBW+konbCoMIhHhV/DMXTtDzysxfQ6
1G4gkqH4IBuLpEZQy6hrj9T4UbmgLXdATRUs8mWDYhfdCcbuGwOMM2Jm
-----END PRIVATE KEY-----
`,
};

/** The digest that pins a certificate, 64 lower-case hex digits. */
export function digestOf({ cert }: Certified): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase();
}

export interface CertificatePaths {
  readonly tlsCertPath: string;
  readonly tlsKeyPath: string;
}

/** Writes both as files to `folder`, for programs that read them; replaces others there. */
export function writeCertificate(folder: string, { cert, key }: Certified): CertificatePaths {
  const paths = { tlsCertPath: join(folder, "cert.pem"), tlsKeyPath: join(folder, "key.pem") };
  writeFileSync(paths.tlsKeyPath, key);
  writeFileSync(paths.tlsCertPath, cert);
  return paths;
}
