/** Which function carries out which verb; the compiler proves that none is missing. */
import type { VerbName } from "../../raft/types";
import { arm } from "./arm";
import { barrier } from "./barrier";
import { clone } from "./clone";
import type { Handler } from "./context";
import { drain } from "./drain";
import { admit, exclude } from "./exclude";
import { fence } from "./fence";
import { follow } from "./follow";
import { mark } from "./mark";
import { open } from "./open";
import { quiesce } from "./quiesce";
import { readReceived, stopReceiver } from "./receiver";
import { rewind } from "./rewind";
import { setAcks } from "./setAcks";
import { startMysqld } from "./start";

export const handlers: { readonly [Name in VerbName]: Handler<Name> } = {
  startMysqld,
  stopReceiver,
  readReceived,
  fence,
  drain,
  arm,
  barrier,
  open,
  quiesce,
  follow,
  rewind,
  clone,
  mark,
  setAcks,
  exclude,
  admit,
};
