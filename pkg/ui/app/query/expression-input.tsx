// The expression editor: CodeMirror with the official PromQL mode, completion from our API, signatures, and the server's
// own error positions.

import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { forceLinting, lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { type ReactNode, useEffect, useRef } from 'react';
import { facts } from '../facts.ts';
import { type CompletionWindow, completionClient } from './completion-client.ts';
import { serverLint } from './server-lint.ts';
import { signatureHelp } from './signature.ts';

export interface ExpressionInputProps {
  readonly value: string;
  readonly label: string;
  readonly isDark: boolean;
  /** Where completion looks for names. */
  readonly window: () => CompletionWindow;
  readonly onChange: (text: string) => void;
  readonly onRun: () => void;
  /** Changes when the server has said something new about the text. */
  readonly lintKey: unknown;
  readonly startsFocused?: boolean;
}

export function ExpressionInput(props: ExpressionInputProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const look = useRef(new Compartment());
  const { value, isDark, lintKey } = props;
  useEffect(() => {
    const promql = new PromQLExtension()
      .activateCompletion(true)
      // One voice: that of the server's own parser.
      .activateLinter(false)
      .setComplete({ remote: completionClient(() => latest.current.window()), maxMetricsMetadata: 5000 });
    let hasTyped = false;
    const run = (): boolean => {
      latest.current.onRun();
      return true;
    };
    const editor = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          EditorView.cspNonce.of(facts.nonce),
          look.current.of(lookOf(latest.current.isDark)),
          EditorView.contentAttributes.of({ 'aria-label': latest.current.label, 'aria-multiline': 'true' }),
          placeholder('Expression: Shift+Enter for a new line, Enter runs it'),
          drawSelection(),
          history(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false, defaultKeymap: true }),
          EditorView.lineWrapping,
          promql.asExtension(),
          serverLint(() => hasTyped),
          signatureHelp,
          // Below completion: Enter takes what is chosen there first.
          Prec.low(
            keymap.of([
              { key: 'Enter', run, shift: insertNewlineAndIndent },
              { key: 'Mod-Enter', run },
              // Only while a choice is open: otherwise Tab goes on to the next control.
              { key: 'Tab', run: acceptCompletion },
            ]),
          ),
          Prec.lowest(
            keymap.of([...closeBracketsKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap, ...defaultKeymap]),
          ),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            hasTyped = true;
            latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    if (latest.current.startsFocused === true) editor.focus();
    return () => {
      editor.destroy();
      promql.destroy();
    };
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || editor.state.doc.toString() === value) return;
    editor.dispatch({
      changes: { from: 0, to: editor.state.doc.length, insert: value },
      selection: { anchor: value.length },
    });
  }, [value]);
  useEffect(() => {
    view.current?.dispatch({ effects: look.current.reconfigure(lookOf(isDark)) });
  }, [isDark]);
  useEffect(() => {
    if (view.current !== undefined && lintKey !== undefined) forceLinting(view.current);
  }, [lintKey]);
  return <div ref={host} className="expression" />;
}

function lookOf(isDark: boolean) {
  return [EditorView.darkTheme.of(isDark), syntaxHighlighting(isDark ? darkColours : lightColours)];
}

const lightColours = colours({
  name: '#0b7285',
  label: '#862e9c',
  text: '#2b7a0b',
  number: '#b35c00',
  keyword: '#1a5fb4',
});
const darkColours = colours({
  name: '#66d9e8',
  label: '#e599f7',
  text: '#a9e34b',
  number: '#ffc078',
  keyword: '#91a7ff',
});

function colours(of: Readonly<Record<'name' | 'label' | 'text' | 'number' | 'keyword', string>>): HighlightStyle {
  return HighlightStyle.define([
    { tag: tags.labelName, color: of.label },
    { tag: tags.string, color: of.text },
    { tag: [tags.number, tags.literal], color: of.number },
    { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: of.keyword, fontWeight: '600' },
    { tag: tags.function(tags.variableName), color: of.keyword },
    { tag: tags.constant(tags.variableName), color: of.name },
    { tag: tags.comment, fontStyle: 'italic', opacity: '0.7' },
    { tag: tags.invalid, textDecoration: 'underline wavy' },
  ]);
}
