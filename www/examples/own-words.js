// All words that the widget has, in French. What is left out is in the language that `lang` says, or in English.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

startScanning('qrcode', {
  appId: 'demo-app',
  lang: 'fr',
  tips: {
    title: 'Scannez ce code avec l’application',
    scanned: 'Code scanné',
    middleTitle: 'Confirmez la connexion sur votre téléphone',
    referText: 'Utiliser un autre code',
    signingIn: 'Connexion en cours…',
    succeed: 'Vous êtes connecté',
    needsMfa: 'Encore une étape pour vous connecter',
    canceled: 'Connexion refusée',
    expired: 'Ce code a expiré',
    retry: 'Obtenir un nouveau code',
    failed: 'Une erreur s’est produite',
    loading: 'Un code arrive…',
    unreachable: 'Le serveur est injoignable',
    reconnecting: 'Nouvel essai automatique…',
    tryNow: 'Réessayer maintenant',
    busy: 'Le serveur est occupé',
    retryIn: 'Nouvel essai dans {time}',
    offline: 'Vous êtes hors ligne',
    offlineHint: 'Reprise dès le retour de la connexion',
    expiresIn: 'Expire dans {time}',
    codeName: 'Code QR de connexion',
  },
  onSuccess: (_userInfo, ticket) => signIn(ticket),
  onError: (message, error) => console.warn(error.code, message),
});
