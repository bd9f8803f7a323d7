// What the page's host offers beside the core: in Electron the preload's few functions, in the console nothing.

export interface PosternHost {
  /** A file dialog; the path of the chosen program, or null when the user cancels. */
  chooseProgram?(): Promise<string | null>;
}

declare global {
  interface Window {
    /** Defined by the preload: the page then runs in a window of its own, which OK and Cancel close. */
    readonly posternHost?: PosternHost;
  }
}
