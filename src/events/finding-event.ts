// Events of commands that look at something or tidy up, and transfer nothing: a part of the events of event.ts.
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
      /** Relative to the share; just one, except for "unsure". */
      readonly paths: readonly string[];
      readonly chunksWrong: number;
      /** The first of the wrong chunks, as runs. */
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
      /** Empty if what was left did not say it. */
      readonly contentId: ContentId | "";
      readonly name: string;
      /** The path of what was removed. */
      readonly path: string;
      readonly bytes: number;
    }
  | {
      readonly type: "checked";
      /** What was checked, in a word or two. */
      readonly subject: string;
      readonly verdict: "ok" | "warning" | "problem" | "skipped";
      readonly message: string;
      /** What can be done about it, or to find out more; may be empty. */
      readonly fix: string;
    }
  | {
      readonly type: "setting";
      readonly name: string;
      /** The environment variable. */
      readonly variable: string;
      /** As text; if there are none, the default applies. */
      readonly values: readonly string[];
      readonly defaultValue: string;
      readonly source: "default" | "environment" | "file";
      /** The variable, or the file and its line. */
      readonly place: string;
    }
  | { readonly type: "completionScript"; readonly shell: string; readonly script: string };
