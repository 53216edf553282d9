// Waits for what nothing tells of. A test that waits in vain is ended by its file's time.

/** Resolves once `isMet`, which is asked in every turn of the event loop. */
export async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise(setImmediate);
}
