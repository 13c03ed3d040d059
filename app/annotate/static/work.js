// What is there to do: the server's word, joined with the answers that it does not know yet.

/**
 * @param {object} work the last `{current, next, recent}` of the server
 * @param {object[]} unsent entries of the outbox, oldest first
 * @param {Set<string>} answered leases that were answered on this page
 * @returns {{pairs: object[], recent: object[]}} pairs to judge, in order; the annotator's last
 *   answers, newest first, one for each pair
 */
export function joinWork(work, unsent, answered) {
  const pairs = [work.current, work.next].filter((pair) => pair && !answered.has(pair.lease));
  const kept = unsent.map(({ vote, pair }) => ({ pair, token: vote.token, answers: vote.answers }));
  const recent = [];
  const seen = new Set();
  for (const entry of [...kept.reverse(), ...(work.recent ?? [])]) {
    if (!seen.has(entry.pair.lease)) recent.push(entry);
    seen.add(entry.pair.lease);
  }
  return { pairs, recent };
}

/** Why there is no pair, as `{title, text, again}`; `again`: it is worth asking later. */
export function reasonForNothing(reason, { done, quota }) {
  const thanks = `You have judged ${done} ${done === 1 ? "pair" : "pairs"}. Thank you.`;
  const reasons = {
    nothing_left: { title: "No pairs are left", text: thanks, again: false },
    quota_reached: { title: `All ${quota} pairs are done`, text: thanks, again: false },
    closed: { title: "This campaign is closed", text: thanks, again: false },
    paused: {
      title: "The campaign is paused",
      text: "The organiser stopped it for a while. This page goes on by itself.",
      again: true,
    },
    waiting: {
      title: "One moment",
      text: "The pairs that are left are with other annotators. This page goes on by itself.",
      again: true,
    },
  };
  return reasons[reason] ?? { title: "No pair at the moment", text: thanks, again: true };
}
