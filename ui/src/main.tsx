import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { adoptPaths } from "./app/paths";
import { pickPlatform } from "./platform";
import "./styles.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
// The token, if there is one, leaves the address before anything reads it as a place to go.
const platform = await pickPlatform();
adoptPaths();
createRoot(root).render(
  <StrictMode>
    <App platform={platform} />
  </StrictMode>,
);
