// The layout of all pages.

export const metadata = { title: "Sign in" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
