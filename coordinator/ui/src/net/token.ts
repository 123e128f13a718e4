// The coordinator's token that whoever may change something has typed. It is kept for this tab only.
const kept_in = "sonde-token";

export function keptToken(): string {
  try {
    return sessionStorage.getItem(kept_in) ?? "";
  } catch {
    return ""; // a browser that forbids storage
  }
}

export function keepToken(token: string): void {
  try {
    sessionStorage.setItem(kept_in, token);
  } catch {
    // then it is typed again
  }
}
