// What all pages have around them.

export const metadata = { title: "Sign in" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
