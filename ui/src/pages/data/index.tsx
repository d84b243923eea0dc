import { useState } from "react";
import { clock, humanize, reveal } from "../../format";
import { useAsked } from "../../state/useAsked";
import { words } from "../../words";
import { PageHead } from "../parts/Page";
import { Figures, Plain, Until } from "../parts/Plain";
import { data, type Loaded } from "./api";
import { Mappings } from "./Mappings";
import { Questions } from "./Questions";
import { Upload } from "./Upload";

const say = words.data;

/** What answers are made from, and loading order lines of one's own. */
export default function Data() {
  const read = useAsked(data.loaded, []);
  const [times, setTimes] = useState(0);
  const loaded = () => (read.again(), setTimes((n) => n + 1));
  return (
    <>
      <PageHead title={words.pages.data!} about={say.lead} />
      <Until read={read}>
        {(now) => (
          <>
            <Now now={now} />
            <section>
              <h2>{say.upload}</h2>
              {now.may_load ? <Upload done={loaded} /> : <p className="muted">{say.mayNot}</p>}
            </section>
            {now.may_load && <Mappings key={times} />}
          </>
        )}
      </Until>
    </>
  );
}

function Now({ now }: { now: Loaded }) {
  const rows = Object.entries(now.rows).filter(([, count]) => count);
  return (
    <>
      <section>
        <h2>{say.company[now.company]}</h2>
        {now.first_day && <p className="muted">{say.period(now.first_day, now.last_day ?? "")}</p>}
        <Figures items={rows.map(([table, count]) => ({ label: humanize(table).toLowerCase(), value: count.toLocaleString("en-US") }))} />
        {now.missing.length > 0 && <p className="note">{say.missing(now.missing.join(", "))}</p>}
      </section>
      <section>
        <h2>{say.questions}</h2>
        <Questions list={now.questions} />
      </section>
      <section>
        <h2>{say.sources}</h2>
        <Plain
          caption={say.sources}
          head={say.sourceHead}
          empty={say.empty}
          rows={now.sources.map((one) => [
            <><b>{one.title}</b><div className="small muted">{one.publisher}</div></>,
            <>{reveal(one.file)}<div className="small muted mono" title={one.sha256}>{one.sha256.slice(0, 12)}</div></>,
            one.as_of || "–",
            one.kept.toLocaleString("en-US"),
            one.rejected.toLocaleString("en-US"),
            one.licence,
            clock(one.loaded_at),
          ])}
        />
      </section>
    </>
  );
}
