import Parsed, { type Components } from "react-markdown";
import gfm from "remark-gfm";
import { reveal } from "../format";
import { words } from "../words";

// Elements only: no raw HTML, no image of any host, and a link says where it leads, for no policy can stop a click.
const components: Components = {
  img: ({ alt }) => <span className="muted">{words.report.image(alt ?? "")}</span>,
  a: ({ href, children }) => {
    const host = hostOf(href);
    if (href?.startsWith("#")) return <>{children}</>;
    return host ? <a href={href} target="_blank" rel="noreferrer noopener nofollow">{children} <span className="small">({host})</span></a> : <>{children}</>;
  },
  table: ({ children }) => <div className="wide" tabIndex={0} role="region" aria-label={words.report.data}><table>{children}</table></div>,
};

function hostOf(href: string | undefined): string {
  try {
    const url = new URL(href ?? "");
    return url.protocol === "https:" || url.protocol === "http:" ? url.host : "";
  } catch {
    return "";
  }
}

export default function Markdown({ text }: { text: string }) {
  return <div className="prose-md"><Parsed remarkPlugins={[gfm]} components={components} skipHtml>{reveal(text)}</Parsed></div>;
}
