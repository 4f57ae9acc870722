/**
 * Commands whose types stand in `crates/admin` and whose handlers are on their way. When they are in `commands!`,
 * `bindings/Commands.ts` has them, and this file and its one use in `platform/platform.ts` go.
 */
import type { AskToAdd } from "./bindings/AskToAdd";
import type { Authorization } from "./bindings/Authorization";
import type { ChangePolicy } from "./bindings/ChangePolicy";
import type { Conversation } from "./bindings/Conversation";
import type { Conversations } from "./bindings/Conversations";
import type { CreatedGroup } from "./bindings/CreatedGroup";
import type { CreateGroup } from "./bindings/CreateGroup";
import type { EditMessage } from "./bindings/EditMessage";
import type { Empty } from "./bindings/Empty";
import type { LeaveGroup } from "./bindings/LeaveGroup";
import type { MarkRead } from "./bindings/MarkRead";
import type { Message } from "./bindings/Message";
import type { NamedMessage } from "./bindings/NamedMessage";
import type { NamedUser } from "./bindings/NamedUser";
import type { React } from "./bindings/React";
import type { ReadConversation } from "./bindings/ReadConversation";
import type { RemoveFromGroup } from "./bindings/RemoveFromGroup";
import type { SearchHits } from "./bindings/SearchHits";
import type { SearchMessages } from "./bindings/SearchMessages";
import type { SendMessage } from "./bindings/SendMessage";
import type { User } from "./bindings/User";

export type PendingCommands = {
  "open-account": { request: NamedUser; response: User };
  "close-account": { request: NamedUser; response: User };
  conversations: { request: NamedUser; response: Conversations };
  conversation: { request: ReadConversation; response: Conversation };
  "send-message": { request: SendMessage; response: Message };
  react: { request: React; response: Message };
  "edit-message": { request: EditMessage; response: Message };
  "delete-message": { request: NamedMessage; response: Message };
  "retry-message": { request: NamedMessage; response: Message };
  "mark-read": { request: MarkRead; response: Empty };
  "search-messages": { request: SearchMessages; response: SearchHits };
  "create-group": { request: CreateGroup; response: CreatedGroup };
  "ask-to-add": { request: AskToAdd; response: Authorization };
  "remove-from-group": { request: RemoveFromGroup; response: Empty };
  "leave-group": { request: LeaveGroup; response: Empty };
  "change-policy": { request: ChangePolicy; response: Empty };
};
