/** The catalogue in use. */
export { t } from "./en";
