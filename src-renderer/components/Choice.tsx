// A choice of a few values with its label above it.
import { useId } from 'react';
import type { TextKey } from '../../src-main/contract/locales.ts';
import { useSpeech } from '../i18n.ts';
import controls from './controls.module.css';
import { ChevronIcon } from './icons.tsx';

export interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly values: readonly Value[];
  readonly wordsOf: (value: Value) => TextKey;
  readonly onValue: (value: Value) => void;
}

export function Choice<Value extends string>({ label, value, values, wordsOf, onValue }: ChoiceProps<Value>) {
  const { say } = useSpeech();
  const id = useId();
  return (
    <div className={controls['labelled']}>
      <label htmlFor={id}>{label}</label>
      <span className={controls['select']}>
        <select
          id={id}
          value={value}
          onChange={(event) => onValue(values.find((each) => each === event.target.value) ?? value)}
        >
          {values.map((each) => (
            <option key={each} value={each}>
              {say(wordsOf(each))}
            </option>
          ))}
        </select>
        <ChevronIcon />
      </span>
    </div>
  );
}
