// The compiled program as people use it: text on both streams, and an exit code.
import { type ChildSetting, type GoshareChild, spawnGoshare } from "./goshare-child.js";

export interface Ran {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `goshare ARGV` to its end. */
export function runGoshare(argv: readonly string[], setting: ChildSetting = {}): Promise<Ran> {
  return new GoshareText(argv, setting).ended;
}

export class GoshareText {
  readonly ended: Promise<Ran>;
  readonly #child: GoshareChild;
  #stdout = "";
  #stderr = "";
  #isOver = false;
  readonly #onChange = new Set<() => void>();

  constructor(argv: readonly string[], setting: ChildSetting = {}) {
    this.#child = spawnGoshare(argv, setting);
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#changed();
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
      this.#changed();
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (exitCode, signal) => {
        this.#isOver = true;
        this.#changed();
        resolve({ exitCode, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The first match of `pattern` on either stream, once it is there. Rejects if the program ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
      if (match !== null) return match;
      if (this.#isOver) throw new Error(`it never said ${pattern}: ${this.#stdout}${this.#stderr}`);
      await new Promise<void>((resolve) => this.#onChange.add(resolve));
    }
  }

  #changed(): void {
    for (const changed of this.#onChange) changed();
    this.#onChange.clear();
  }
}
