import type { Outcome } from './play-step.js';
import type { Scene } from './scene.js';

/** How the report names a scene: the room's version and whose room it is. */
export const sceneName = ({ roomVersion, host }: Scene): string => `v${roomVersion} room of ${host.name}`;

/** One line for a step that has just ended, with what was seen if it failed. */
export function outcomeLine({ step, scene, seconds, result, remark }: Outcome): string {
  const line = `${result}  ${sceneName(scene)}: ${step} (${seconds.toFixed(1)} s)`;
  return remark === undefined ? line : `${line}\n      ${remark.replaceAll('\n', '\n      ')}`;
}

/** A Markdown table: a row for each step, a column for each scene. */
export function table(outcomes: readonly Outcome[]): string {
  const columns = [...new Set(outcomes.map(({ scene }) => sceneName(scene)))];
  const rows = [...new Set(outcomes.map(({ step }) => step))].map((step) => {
    const cells = columns.map((column) => {
      const outcome = outcomes.find((one) => one.step === step && sceneName(one.scene) === column);
      return outcome?.result ?? '';
    });
    return `| ${[step, ...cells].join(' | ')} |`;
  });
  const head = `| ${['step', ...columns].join(' | ')} |`;
  return [head, `|${' --- |'.repeat(columns.length + 1)}`, ...rows].join('\n');
}
