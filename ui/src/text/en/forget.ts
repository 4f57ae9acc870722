/** Letting go of something for good. */
export const forget = {
  lost: "What will be lost",
  stays: "What stays",
  holds: "What has to end first",
  changed: "It has changed since it was shown. Look once more before you go on.",
  openGroup: "Open the group",
  endConnections: "End these connections",
  peer: {
    button: "Forget",
    hint: "For a provider that is gone: everything that is kept of it goes",
    title: (p: string) => `Forget ${p}?`,
    action: (p: string) => `Forget ${p}`,
    done: (p: string) => `${p} is forgotten.`,
  },
  group: {
    button: "Forget the group",
    hint: "For a group whose owner is gone, that is over, or that nobody is in any more",
    title: (name: string) => `Forget the group ${name}?`,
    action: "Forget the group",
    done: (name: string) => `The group ${name} is forgotten.`,
  },
  conversation: {
    button: "Forget the conversation",
    title: (name: string) => `Forget the conversation ${name}?`,
    action: "Forget the conversation",
    done: (name: string) => `The conversation ${name} is forgotten.`,
  },
  account: {
    button: "Delete the account",
    buttonOf: (user: string) => `Delete the account ${user}`,
    title: (user: string) => `Delete the account ${user}?`,
    action: (user: string) => `Delete the account ${user}`,
    done: (user: string) => `The account ${user} is deleted.`,
  },
} as const;
