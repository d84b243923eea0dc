import { api } from "../api/client";
import type { Me, Ok, Served } from "../api/types";
import { Store } from "./store";

/** Who looks at the page, how the service is set, and what thinks in it; null until it is known. */
export interface Who { me: Me | null; served: Served | null; ok: Ok | null }

export const who = new Store<Who>({ me: null, served: null, ok: null });

/** Raises `Problem` if it cannot be said who looks: nothing of the page works then. */
export async function readWho(): Promise<void> {
  const [me, served, ok] = await Promise.all([api.me(), api.served(), api.ok()]);
  who.set({ me, served, ok });
}
