// All messages of the widget in French. A message that is not in `tips` is in the language `lang`, or in English.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

startScanning('qrcode', {
  appId: 'demo-app',
  autoRefresh: 3,
  lang: 'fr',
  tips: {
    title: 'Scannez ce code avec l’application',
    openApp: 'Continuer sur ce téléphone',
    otherDevice: 'Ou scannez avec l’application sur un autre téléphone',
    otherBrowser: 'Vous avez commencé dans un autre navigateur. Retournez-y, ou recommencez ici',
    scanned: 'Code scanné',
    number: 'Choisissez ce nombre sur votre téléphone',
    middleTitle: 'Confirmez la connexion sur votre téléphone',
    referText: 'Ce n’est pas vous\u00a0? Obtenir un nouveau code',
    signingIn: 'Connexion en cours…',
    succeed: 'Vous êtes connecté',
    needsMfa: 'Encore une étape pour vous connecter',
    canceled: 'Connexion refusée',
    expired: 'Ce code a expiré',
    retry: 'Obtenir un nouveau code',
    failed: 'Une erreur s’est produite',
    siteProblem: 'Connectez-vous autrement, ou contactez l’assistance de ce site',
    refused: 'La connexion a été refusée',
    otherAccount: 'Utilisez un autre compte, ou contactez l’assistance de ce site',
    signInExpired: 'Cette connexion a expiré',
    checkConnection: 'Vérifiez votre réseau et réessayez',
    loading: 'Chargement du code…',
    unreachable: 'Le serveur est injoignable',
    reconnecting: 'Nouvelle tentative…',
    tryNow: 'Réessayer maintenant',
    busy: 'Le serveur est occupé',
    retryIn: 'Nouvelle tentative dans {time}',
    offline: 'Vous êtes hors ligne',
    offlineHint: 'Nous continuerons quand vous serez de nouveau en ligne',
    expiresIn: 'Expire dans {time}',
    codeName: 'Code QR de connexion',
  },
  onSuccess: (_userInfo, ticket) => signIn(ticket),
  onError: (message, error) => console.warn(error.code, message),
});
