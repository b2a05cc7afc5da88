const client = new Authing.AuthenticationClient({ appId: 'demo-app', appHost: location.origin, lang: 'en-US' });
client.qrcode.startScanning('qrcode', { onSuccess: (userInfo, ticket) => signIn(ticket) });
