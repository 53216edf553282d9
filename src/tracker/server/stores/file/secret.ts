// The secret that lease tokens are made with, in a file that only this user may read: anyone who knows it could end
// other peers' leases. Never printed, never sent.
import { randomBytes } from "node:crypto";
import { replaceFile } from "../../../../storage/files/replace-file.js";
import { readAtMost } from "../../../../storage/part/part-files.js";
import { SECRET_BYTES } from "../../store.js";

/** The secret in `filePath`; a new one if there is none. `onDamage` is called if the file holds no secret: then peers'
 * tokens are worth nothing, and they are given new ones when they renew. */
export async function secretIn(filePath: string, onDamage: () => void): Promise<Uint8Array> {
  const known = readAtMost(filePath, SECRET_BYTES);
  if (known?.length === SECRET_BYTES) return known;
  if (known !== undefined) onDamage();
  const secret = randomBytes(SECRET_BYTES);
  await replaceFile(filePath, 0o600, (handle) => handle.writeFile(secret));
  return secret;
}
