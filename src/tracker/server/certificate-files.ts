// The certificate and key of a tracker in two files, read again when they change: programs that renew certificates
// write files and tell nobody. A pair that does not match (one of the two is not written yet) is not used.
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { GoshareError, readProblem } from "../../core/errors.js";

export interface CertificatePair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export class CertificateFiles {
  readonly #certPath: string;
  readonly #keyPath: string;
  #seen: string;
  readonly pair: CertificatePair;

  /** Throws what the file system throws, or USAGE if the files are not a certificate and its key. */
  constructor(certPath: string, keyPath: string) {
    this.#certPath = certPath;
    this.#keyPath = keyPath;
    this.#seen = this.#identity();
    this.pair = this.#read();
  }

  /** The digest by which clients have to name the first certificate if nobody but itself vouches for it. */
  get selfSignedSha256(): string | undefined {
    const certificate = new X509Certificate(this.pair.cert);
    if (!certificate.checkIssued(certificate)) return undefined;
    return createHash("sha256").update(certificate.raw).digest("hex");
  }

  /** The pair in the files, if they have changed since the last look. Throws as the constructor does, once for each
   * change. */
  reread(): CertificatePair | undefined {
    const identity = this.#identity();
    if (identity === this.#seen) return undefined;
    this.#seen = identity;
    return this.#read();
  }

  #identity(): string {
    return [this.#certPath, this.#keyPath].map(identityOf).join(" ");
  }

  #read(): CertificatePair {
    const pair = { cert: read(this.#certPath, "--tls-cert"), key: read(this.#keyPath, "--tls-key") };
    try {
      createSecureContext(pair);
      return pair;
    } catch (cause) {
      const files = `${this.#certPath} and ${this.#keyPath}`;
      throw new GoshareError("USAGE", `${files} are not a certificate and its key`, {
        cause,
        hint: "both must be PEM, and the key must belong to the first certificate and have no passphrase",
      });
    }
  }
}

function read(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { reason, hint } = readProblem(cause);
    const { code } = GoshareError.from(cause);
    throw new GoshareError(code, `cannot read ${path}, given by ${option}: ${reason}`, { cause, hint });
  }
}

/** Changes whenever a file is written or replaced; a file that is missing or unreadable is one more state. */
function identityOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch (thrown) {
    return String(thrown);
  }
}
