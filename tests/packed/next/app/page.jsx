// A page that is rendered on the server.

import { Login } from "./login";

// It is rendered for each request.
export const dynamic = "force-dynamic";

export default function Page() {
  return (
    <main>
      <h1>Sign in</h1>
      <Login />
    </main>
  );
}
