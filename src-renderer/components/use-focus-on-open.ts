// Puts the focus into the first field of a dialog. React's own autoFocus comes too early: the focus scope of the dialog
// beneath still claims the focus then.
import { type RefObject, useEffect, useRef } from 'react';

export function useFocusOnOpen<Field extends HTMLElement>(): RefObject<Field | null> {
  const field = useRef<Field>(null);
  useEffect(() => field.current?.focus(), []);
  return field;
}
