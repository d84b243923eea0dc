// The useStream of @langchain/react, which speaks the event protocol, through what a chat page does.

import { writeFileSync } from "node:fs";
import { shown, Stage, whole } from "./stage.mjs";
import { taken } from "./wire.mjs";

export async function play(apiUrl, gate) {
  const { useStream } = await import("@langchain/react");
  const told = [];
  const sent = new Set(); // over the whole script: what it sends beside a step may be answered before or after it
  const take = () => taken().requests.forEach((one) => sent.add(one));
  const tell = (label, now) => {
    take();
    told.push([label, shown(now)]);
  };
  const ended = async (id) => client.runs.join(id, (await client.runs.list(id))[0].run_id);
  const human = (content, id) => ({ messages: [{ type: "human", content, id }] });
  const finished = (now) => !now.isLoading && !now.isThreadLoading;
  const answered = (now) => finished(now) && whole(now.values.messages ?? []); // it may say so before the last token has come
  const open = (assistantId, options = {}) => new Stage(() => useStream({ apiUrl, assistantId, ...options }));

  // start, tokens and values
  let stage = open("talking");
  await stage.until("mounted", finished);
  void stage.now.submit(human("hi", "u1"));
  tell("talks", await stage.until("answered", (now) => answered(now) && whole(now.messages)));
  const { client, threadId } = stage.now;

  // edit the first message: a fork from the checkpoint before it
  const history = await client.threads.getHistory(threadId, { limit: 20 });
  const first = history.find((one) => one.metadata.step === -1);
  take();
  void stage.now.submit(human("edited", "u2"), { forkFrom: first.checkpoint.checkpoint_id });
  await stage.until("forked", (now) => answered(now) && now.values.messages[0].content === "edited");
  tell("forks", { ...stage.now, messages: stage.now.values.messages }); // its tokens may still be on their way
  told.push(["stands at the fork", (await client.threads.getState(threadId)).values.messages.map((one) => one.type)]);
  stage.leave();
  take();

  // a graph in a graph
  stage = open("nested");
  await stage.until("mounted", finished);
  void stage.now.submit({ said: ["go"] });
  tell("runs a nested graph", await stage.until("ended", (now) => finished(now) && now.values.said?.length === 6));
  stage.leave();

  // a question, and its answer
  stage = open("asking");
  await stage.until("mounted", finished);
  void stage.now.submit({ said: ["ask"] });
  tell("is asked", await stage.until("asked", (now) => finished(now) && now.interrupt && now.values.said));
  const asked = stage.now.threadId;
  stage.leave();

  // whoever opens the thread later is asked, and may answer
  take();
  stage = open("asking", { threadId: asked });
  tell("is asked again", await stage.until("asked", (now) => finished(now) && now.interrupt));
  void stage.now.respond("yes", { interruptId: stage.now.interrupt.id });
  tell("answers", { ...(await stage.until("answered", (now) => finished(now) && now.values.said?.length === 2)), interrupt: null });
  await ended(asked);
  told.push(["the thread is", (await client.threads.get(asked)).status]);
  told.push(["still asked", stage.now.interrupts.length]);
  stage.leave();
  take();

  // the page is loaded again in the middle of a run
  stage = open("holding");
  await stage.until("mounted", finished);
  void stage.now.submit({ said: ["held"], gate });
  await stage.until("begun", (now) => now.isLoading && now.values.said?.at(-1) === "first");
  const held = stage.now.threadId;
  stage.leave();
  take();
  stage = open("holding", { threadId: held });
  await stage.until("joined", (now) => now.isLoading && now.values.said?.at(-1) === "first");
  writeFileSync(gate, "");
  tell("joins after a reload", await stage.until("ended", (now) => finished(now) && now.values.said?.at(-1) === "last"));
  stage.leave();

  // stop
  stage = open("holding");
  await stage.until("mounted", finished);
  void stage.now.submit({ said: ["stopped"] });
  await stage.until("begun", (now) => now.isLoading && now.values.said?.at(-1) === "first");
  const stopped = stage.now.threadId;
  await stage.now.stop();
  tell("stops", await stage.until("stopped", finished));
  await ended(stopped);
  told.push(["the stopped run is", (await client.runs.list(stopped))[0].status]);
  told.push(["its thread is", (await client.threads.get(stopped)).status]);
  stage.leave();
  take();

  // an error
  stage = open("failing");
  await stage.until("mounted", finished);
  void stage.now.submit({ said: ["f"] }).catch(() => {});
  tell("fails", await stage.until("failed", (now) => finished(now) && now.error && now.values.said));
  await ended(stage.now.threadId);
  told.push(["what failing left", (await client.threads.get(stage.now.threadId)).status]);
  stage.leave();
  take();
  told.push(["sends", [...sent].filter((one) => one.startsWith("POST") && !one.includes("history")).sort()]); // it reads when it likes
  return told;
}
