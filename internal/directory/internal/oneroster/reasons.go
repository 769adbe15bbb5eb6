package oneroster

import "github.com/preau-ent/preau/internal/directory/internal/table"

// Why a roster, or a row of it, is not taken.
var (
	whyNoUsers     = table.Reason{FR: "aucun users.csv : donnez le zip ou le dossier OneRoster entier", EN: "no users.csv: give the whole OneRoster zip or folder"}
	whyNoManifest  = table.Reason{FR: "aucun manifest.csv : on ne peut pas savoir si ces fichiers sont complets (bulk) ou partiels (delta) ; s'ils sont complets, dites-le avec --dialect oneroster-1.1 ou --dialect oneroster-1.2", EN: "no manifest.csv: there is no knowing whether these files are whole (bulk) or partial (delta); if they are whole, say so with --dialect oneroster-1.1 or --dialect oneroster-1.2"}
	whyVersion     = table.Reason{FR: "version OneRoster « %s » inconnue : attendu 1.1 ou 1.2", EN: "unknown OneRoster version %q: expected 1.1 or 1.2"}
	whyNotVersion  = table.Reason{FR: "le manifeste annonce la version %s et --dialect dit %s : retirez --dialect", EN: "the manifest declares version %s and --dialect says %s: leave --dialect out"}
	whyNoVersion   = table.Reason{FR: "le manifeste ne dit pas la version (oneroster.version) : dites-la avec --dialect oneroster-1.1 ou --dialect oneroster-1.2", EN: "the manifest does not tell the version (oneroster.version): tell it with --dialect oneroster-1.1 or --dialect oneroster-1.2"}
	whyDelta       = table.Reason{FR: "« %s » est un export partiel (delta), Préau lit les exports complets : demandez un export « bulk »", EN: "%q is a partial export (delta), Préau reads whole ones: ask for a \"bulk\" export"}
	whyMode        = table.Reason{FR: "« %s » vaut « %s » : attendu absent, bulk ou delta", EN: "%q is %q: expected absent, bulk or delta"}
	whyAbsent      = table.Reason{FR: "le manifeste annonce %s.csv et le fichier n'y est pas : donnez l'export entier", EN: "the manifest announces %s.csv and the file is not there: give the whole export"}
	whyUndeclared  = table.Reason{FR: "le manifeste dit %s.csv absent, et Préau en a besoin : demandez un export complet (bulk)", EN: "the manifest says that %s.csv is absent, and Préau needs it: ask for a whole (bulk) export"}
	whyTwoFiles    = table.Reason{FR: "deux fichiers %s.csv : donnez un seul export à la fois", EN: "two files %s.csv: give one export at a time"}
	whyPropTwice   = table.Reason{FR: "le manifeste dit « %s » deux fois", EN: "the manifest says %q twice"}
	whyNoID        = table.Reason{FR: "ligne sans sourcedId : corrigez-la dans l'application d'origine et demandez un nouvel export", EN: "row without a sourcedId: correct it at its source and ask for a new export"}
	whyLongID      = table.Reason{FR: "identifiant « %s » de plus de %d caractères", EN: "identifier %q of more than %d characters"}
	whyStatus      = table.Reason{FR: "statut « %s » inconnu : attendu active, tobedeleted, inactive ou vide", EN: "unknown status %q: expected active, tobedeleted, inactive or nothing"}
	whyTwice       = table.Reason{FR: "le sourcedId « %s » a déjà servi ligne %d pour une ligne différente : on ne peut pas savoir laquelle est la bonne", EN: "sourcedId %q was already used on line %d for a different row: there is no knowing which is right"}
	whyNoName      = table.Reason{FR: "l'utilisateur « %s » est un élève sans nom (familyName)", EN: "user %q is a pupil without a name (familyName)"}
	whyNoSchool    = table.Reason{FR: "l'élève « %s » n'est dans aucun établissement de orgs.csv", EN: "pupil %q is in no school of orgs.csv"}
	whyOrgLoop     = table.Reason{FR: "l'organisation « %s » est son propre parent", EN: "org %q is its own parent"}
	whyDate        = table.Reason{FR: "date « %s » illisible : attendu aaaa-mm-jj", EN: "unreadable date %q: expected yyyy-mm-dd"}
	whyTooManyIDs  = table.Reason{FR: "plus de %d identifiants dans une cellule : le fichier est abîmé", EN: "more than %d identifiers in one cell: the file is damaged"}
	whyMore        = table.Reason{FR: "et %d autres refus de même importance, non listés", EN: "and %d more refusals, not listed"}
	whyMissingFile = table.Reason{FR: "introuvable : vérifiez le chemin", EN: "not found: check the path"}
	whyForbidden   = table.Reason{FR: "illisible : donnez à Préau le droit de lire ce fichier", EN: "unreadable: give Préau the right to read this file"}
)

// What somebody should look at; nothing is refused for it.
var (
	sayRole     = table.Reason{FR: "%s est désigné comme agent de l'élève %s avec le rôle « %s » : ce n'est pas un responsable, rien ne lui sera dit", EN: "%s is named as an agent of the pupil %s, and the role is %q: no guardian, and told nothing"}
	sayAlso     = table.Reason{FR: "%s, agent de l'élève %s, est « guardian » ou « parent » mais aussi « %s » dans cet établissement : le fichier ne dit pas à quel titre ; rien ne lui sera dit tant que le bureau ne l'a pas choisi", EN: "%s, an agent of the pupil %s, is \"guardian\" or \"parent\" and also %q in this school: the file does not say as which; told nothing until the office chooses"}
	sayEnded    = table.Reason{FR: "%s, agent de l'élève %s : son rôle « %s » n'est plus en cours (du %s au %s) ; rien ne lui sera dit. S'il l'est encore, corrigez la date à la source", EN: "%s, an agent of the pupil %s: the role %q is not in force (from %s to %s); told nothing. If it still is, correct the date at its source"}
	sayPupil    = table.Reason{FR: "%s est désigné comme agent de l'élève %s et est élève : aucun lien n'est créé", EN: "%s is named as an agent of the pupil %s and is a pupil: no link is made"}
	sayLeft     = table.Reason{FR: "%s, agent de l'élève %s, est à supprimer ou inactif dans users.csv : aucun lien n'est créé", EN: "%s, an agent of the pupil %s, is to be deleted or inactive in users.csv: no link is made"}
	sayNobody   = table.Reason{FR: "l'agent « %s » de l'élève %s n'est pas dans users.csv : il n'y a personne à prévenir", EN: "the agent %q of the pupil %s is not in users.csv: there is nobody to tell"}
	saySpelled  = table.Reason{FR: "colonne « %s » lue comme « %s »", EN: "column %q read as %q"}
	sayNobodyIs = table.Reason{FR: "l'utilisateur « %s » n'a aucun rôle que Préau connaît (%s) : laissé de côté", EN: "user %q has no role that Préau knows (%s): left aside"}
	sayMore     = table.Reason{FR: "et %d autres remarques, non listées", EN: "and %d more remarks, not listed"}
)
