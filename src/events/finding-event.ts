// What commands tell that look at something or tidy up, and transfer nothing: a part of the events of event.ts.
import type { ContentId } from "../core/ids.js";

/** How something on the disk differs from the share. */
export type Problem =
  | "missing"
  | "kind"
  | "unreadable"
  | "short"
  | "long"
  | "content"
  | "unsure"
  | "target"
  | "mode"
  | "extra"
  | "unfinished";

export interface ChunkRun {
  readonly first: number;
  readonly count: number;
}

export type FindingEvent =
  | {
      readonly type: "difference";
      readonly problem: Problem;
      /** Relative to the share; one but for "unsure". */
      readonly paths: readonly string[];
      readonly chunksWrong: number;
      /** The first of them, as runs. */
      readonly chunks: readonly ChunkRun[];
      readonly bytes: number;
      readonly bytesExpected: number;
      /** For people; may be empty. */
      readonly detail: string;
    }
  | {
      readonly type: "verified";
      readonly contentId: ContentId;
      readonly name: string;
      readonly path: string;
      readonly bytes: number;
      readonly bytesRight: number;
      readonly chunks: number;
      readonly chunksRight: number;
      readonly files: number;
      readonly filesWrong: number;
      readonly filesUnsure: number;
      readonly extra: number;
      readonly isRight: boolean;
    }
  | { readonly type: "fileSum"; readonly path: string; readonly sha256: string }
  | {
      readonly type: "discarded";
      /** Empty where what was left did not say it. */
      readonly contentId: ContentId | "";
      readonly name: string;
      /** Of what was removed. */
      readonly path: string;
      readonly bytes: number;
    }
  | {
      readonly type: "checked";
      /** What was looked at, in a word or two. */
      readonly subject: string;
      readonly verdict: "ok" | "warning" | "problem" | "skipped";
      readonly message: string;
      /** What can be done about it, or to know more; may be empty. */
      readonly fix: string;
    }
  | {
      readonly type: "setting";
      readonly name: string;
      /** Of the environment. */
      readonly variable: string;
      /** As text; the default where there are none. */
      readonly values: readonly string[];
      readonly defaultValue: string;
      readonly source: "default" | "environment" | "file";
      /** The variable, or the file and its line. */
      readonly place: string;
    }
  | { readonly type: "completionScript"; readonly shell: string; readonly script: string };
