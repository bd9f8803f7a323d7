// Marks an infected message in its own header: a text before the subject, and a field that names what was found.

/** How infected messages are marked. */
export interface Tagging {
  /** Put before the subject; `%DETECTIONNAME%` stands for what was found. Absent: the subject stays. */
  readonly subject?: string;
  /** Whether an `X-Postern-Detection` field is added. */
  readonly header: boolean;
}
