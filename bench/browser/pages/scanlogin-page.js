document.addEventListener('scanlogin:success', ({ detail }) => signIn(detail.ticket));
