// What every measurement is made of: something to set up, rounds, something to remove.

/** Transfers stay on this machine. */
export const LOOPBACK = "127.0.0.1:0";

/** Figures of one round by name, the unit in the name. */
export type Figures = Readonly<Record<string, number>>;

export interface BenchCase {
  readonly name: string;
  /** It takes minutes: run only if the command names cases. */
  readonly isLong?: boolean;
  prepare(): Promise<void>;
  /** One round. */
  run(): Promise<Figures>;
  cleanUp(): Promise<void>;
}
