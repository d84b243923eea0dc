import { type ComponentType, lazy, type LazyExoticComponent } from "react";
import { words } from "../words";

/** A page of its own: `#/<path>/<rest…>`. Its component is loaded when it is opened. */
export interface Page {
  path: string;
  title: string;
  component: LazyExoticComponent<ComponentType<{ rest: string[] }>>;
}

const page = (path: string, load: () => Promise<{ default: ComponentType<{ rest: string[] }> }>): Page => ({
  path,
  title: words.pages[path] ?? path,
  component: lazy(load),
});

/** In the order of the navigation. Each page is a folder under ui/src/pages/. */
export const pages: Page[] = [
  page("approvals", () => import("./approvals")),
  page("fleet", () => import("./fleet")),
  page("operations", () => import("./operations")),
  page("audit", () => import("./audit")),
  page("policies", () => import("./policies")),
  page("data", () => import("./data")),
  page("settings", () => import("./settings")),
];
