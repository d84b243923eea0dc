import { createRoot } from "react-dom/client";
import { Shell } from "./shell/Shell";
import "./theme.css";
import "./shell/shell.css";
import "./conversation/conversation.css";
import "./approval/approval.css";
import "./report/report.css";
import "./plan/plan.css";

createRoot(document.getElementById("root")!).render(<Shell />);
