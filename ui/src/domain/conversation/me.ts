/** The address of the account whose conversations are shown. */
import { createContext, useContext } from "react";

export const MeContext = createContext("");
export const useMe = () => useContext(MeContext);
