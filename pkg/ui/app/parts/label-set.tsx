// A set of labels as small tags. What is in it is text, whatever it looks like.

import type { ReactNode } from 'react';
import './label-set.css';

export type LabelRecord = Readonly<Record<string, string>>;

export function LabelSet({ labels }: { readonly labels: LabelRecord }): ReactNode {
  const pairs = Object.entries(labels);
  if (pairs.length === 0) return <span className="label-none">no labels</span>;
  return (
    <span className="label-set">
      {pairs.map(([name, value]) => (
        <span key={name} className="label-pair">
          <span className="label-name">{name}</span>
          <span className="label-equals">=</span>
          <span>{value}</span>
        </span>
      ))}
    </span>
  );
}
