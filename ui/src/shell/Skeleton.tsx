import { words } from "../words";

/** What stands where something is still being read. */
export function Skeleton() {
  return <div className="skeleton" role="status" aria-busy="true" aria-label={words.loading}><i /><i /><i /></div>;
}
