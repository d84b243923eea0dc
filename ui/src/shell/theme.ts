import { useEffect, useState } from "react";

const KEY = "clearance.theme";

/** system, light or dark; kept by the browser, applied to the document. */
export function useTheme(): [string, (theme: string) => void] {
  const [theme, set] = useState(() => localStorage.getItem(KEY) ?? "system");
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
  }, [theme]);
  return [theme, set];
}
