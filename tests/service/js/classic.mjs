// The classic useStream, through what a chat page does. Called with a version of the SDK and the address of a server.

import { writeFileSync } from "node:fs";
import { shown, Stage, whole } from "./stage.mjs";
import { taken } from "./wire.mjs";

export async function play(version, apiUrl, gate) {
  const { useStream } = await import(`sdk-${version}/react`);
  const told = [];
  const tell = (label, now, more = {}) => told.push([label, { ...shown(now), ...more }]);
  const human = (content, id) => ({ messages: [{ type: "human", content, id }] });
  const finished = (now) => !now.isLoading && !now.isThreadLoading;

  const open = (assistantId, options = {}) => new Stage(() => useStream({ apiUrl, assistantId, ...options }));
  const made = {};
  const keeping = (name) => ({ onThreadId: (id) => (made[name] = id) });

  // start, tokens and values
  let stage = open("talking", { ...keeping("talk"), fetchStateHistory: true });
  await stage.until("mounted", finished);
  stage.now.submit(human("hi", "u1"));
  tell("talks", await stage.until("answered", (now) => finished(now) && whole(now.messages) && now.history.length > 0), taken());

  // edit the first message: a fork from the checkpoint before it
  const meta = stage.now.getMessagesMetadata(stage.now.messages[0]);
  stage.now.submit(human("edited", "u2"), { checkpoint: meta.firstSeenState.parent_checkpoint });
  await stage.until("forked", (now) => finished(now) && whole(now.messages) && now.messages[0].content === "edited");
  tell("forks", await stage.until("its history read", (now) => now.history.some((one) => one.values.messages?.[0]?.content === "edited")), taken());
  const branch = stage.now.getMessagesMetadata(stage.now.messages[0]);
  told.push(["branches", branch.branchOptions?.length ?? null]);
  stage.leave();

  // updates
  const updates = [];
  stage = open("chain", { onUpdateEvent: (one) => updates.push(Object.keys(one)) });
  await stage.until("mounted", finished);
  stage.now.submit({ said: ["go"] });
  tell("runs a chain", await stage.until("ended", (now) => finished(now) && now.values.said?.length === 4), { ...taken(), updates });
  stage.leave();

  // a question, and its answer
  stage = open("asking", keeping("ask"));
  await stage.until("mounted", finished);
  stage.now.submit({ said: ["ask"] });
  tell("is asked", await stage.until("asked", (now) => finished(now) && now.interrupt), taken());
  stage.now.submit(undefined, { command: { resume: "yes" } });
  tell("answers", await stage.until("answered", (now) => finished(now) && now.values.said?.length === 2), taken());
  stage.leave();

  // what was asked is still there for who opens the thread later
  stage = open("asking", { threadId: made.ask });
  tell("comes back", await stage.until("loaded", (now) => finished(now) && now.values.said?.length === 2), taken());
  stage.leave();

  // the page is loaded again in the middle of a run
  let begun;
  const holds = new Promise((resolve) => (begun = resolve));
  stage = open("holding", { ...keeping("hold"), reconnectOnMount: true, onCustomEvent: begun });
  await stage.until("mounted", finished);
  stage.now.submit({ said: ["held"], gate });
  await holds;
  stage.leave();
  taken();
  let rejoined;
  const joins = new Promise((resolve) => (rejoined = resolve));
  stage = open("holding", { threadId: made.hold, reconnectOnMount: true, fetchStateHistory: true, onCustomEvent: rejoined });
  await stage.until("joined", (now) => now.isLoading);
  await joins;
  writeFileSync(gate, "");
  const { requests } = taken();
  tell("joins after a reload", await stage.until("ended", (now) => finished(now) && now.values.said?.at(-1) === "last"), {
    joins: requests.filter((one) => one.includes("/stream")),
  });
  stage.leave();

  // stop
  let held, run;
  const waits = new Promise((resolve) => (held = resolve));
  stage = open("holding", { ...keeping("stop"), onCustomEvent: held, onMetadataEvent: (one) => (run = one.run_id) });
  await stage.until("mounted", finished);
  stage.now.submit({ said: ["stopped"] });
  await waits;
  stage.now.stop();
  told.push(["stops", (await stage.until("stopped", finished)).values.said]); // what else it shows depends on when it reads the state
  const { client } = stage.now;
  await client.runs.join(made.stop, run);
  told.push(["what stopping left", [(await client.runs.get(made.stop, run)).status, (await client.threads.get(made.stop)).status]]);
  stage.leave();
  taken();

  // an error
  stage = open("failing", keeping("fail"));
  await stage.until("mounted", finished);
  stage.now.submit({ said: ["f"] });
  tell("fails", await stage.until("failed", (now) => finished(now) && now.error), taken());
  await client.runs.join(made.fail, (await client.runs.list(made.fail))[0].run_id);
  told.push(["what failing left", (await client.threads.get(made.fail)).status]);
  stage.leave();
  return told;
}
