// A page that the server renders.

import { Login } from "./login";

// Anew for each visitor.
export const dynamic = "force-dynamic";

export default function Page() {
  return (
    <main>
      <h1>Sign in</h1>
      <Login />
    </main>
  );
}
