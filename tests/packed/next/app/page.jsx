import { Login } from "./login";

// Rendered anew for each visitor.
export const dynamic = "force-dynamic";

export default function Page() {
  return (
    <main>
      <h1>Sign in</h1>
      <Login />
    </main>
  );
}
