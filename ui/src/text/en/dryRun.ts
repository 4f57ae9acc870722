/** What would happen: a dry run of the rules. */
export const dryRun = {
  title: "What would happen?",
  intro:
    "Name a provider or a person, and see what this provider would do if they introduced themselves, asked for a connection, asked to add somebody, or pulled: by which rule, and what they would be told. Nothing is sent, kept or told for it.",
  open: "Try it",
  field: "Provider or person",
  fieldHint: "Such as home.example, or bob@home.example",
  run: "Show",
  nothing: "Name a provider or a person.",
  of: (who: string) => `If ${who} asked now`,
  somebody: "No person is named, so what follows is about somebody there of whom no rule speaks.",
  refused: "That cannot be tried.",
  asked: {
    introduction: "An introduction of the provider",
    connection: "A request for a connection",
    addition: "A request to add to a group",
    pull: "A pull of what is here for the provider",
  },
  provider: "The provider itself",
  outcome: {
    allowed: "Done at once",
    waits: "Waits for a decision",
    unseen: "Set aside unseen",
    refused: "Refused",
  },
  outcomeHint: {
    allowed: "By a rule, without a click",
    waits: "Somebody here has to decide",
    unseen: "To those who ask it looks as though it waited; nobody here is shown it",
    refused: "Those who ask are told so",
  },
  told: "They are told",
  doctor: "Back to the Doctor",
} as const;
