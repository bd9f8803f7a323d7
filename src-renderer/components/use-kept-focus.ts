// Keeps the focus near what was pressed when a button goes away with what it did: it moves to the heading above.
import { type RefObject, useEffect, useRef } from 'react';

export interface KeptFocus {
  /** Takes the focus; it must be focusable. */
  readonly heading: RefObject<HTMLHeadingElement | null>;
  /** Call when a button is pressed that may go away. */
  readonly pressed: () => void;
}

/** `shown`: what changes when the button goes away. */
export function useKeptFocus(shown: unknown): KeptFocus {
  const heading = useRef<HTMLHeadingElement>(null);
  const isPressed = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is shown changes what has the focus
  useEffect(() => {
    if (!isPressed.current || document.activeElement !== document.body) return;
    isPressed.current = false;
    heading.current?.focus();
  }, [shown]);
  return {
    heading,
    pressed: () => {
      isPressed.current = true;
    },
  };
}
