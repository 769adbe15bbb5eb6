package oneroster

import "github.com/preau-ent/preau/internal/directory/internal/intake"

// Why a roster, or a row of it, is not taken.
var (
	whyNoUsers     = intake.Why("aucun users.csv : donnez le zip ou le dossier OneRoster entier", "no users.csv: give the whole OneRoster zip or folder")
	whyNoManifest  = intake.Why("aucun manifest.csv : on ne peut pas savoir si ces fichiers sont complets (bulk) ou partiels (delta) ; s'ils sont complets, dites-le avec --dialect oneroster-1.1 ou --dialect oneroster-1.2", "no manifest.csv: there is no knowing whether these files are whole (bulk) or partial (delta); if they are whole, say so with --dialect oneroster-1.1 or --dialect oneroster-1.2")
	whyVersion     = intake.Why("version OneRoster « %s » inconnue : attendu 1.1 ou 1.2", "unknown OneRoster version %q: expected 1.1 or 1.2")
	whyNotVersion  = intake.Why("le manifeste annonce la version %s et --dialect dit %s : retirez --dialect", "the manifest declares version %s and --dialect says %s: leave --dialect out")
	whyNoVersion   = intake.Why("le manifeste ne dit pas la version (oneroster.version) : dites-la avec --dialect oneroster-1.1 ou --dialect oneroster-1.2", "the manifest does not tell the version (oneroster.version): tell it with --dialect oneroster-1.1 or --dialect oneroster-1.2")
	whyDelta       = intake.Why("« %s » est un export partiel (delta), Préau lit les exports complets : demandez un export « bulk »", "%q is a partial export (delta), Préau reads whole ones: ask for a \"bulk\" export")
	whyMode        = intake.Why("« %s » vaut « %s » : attendu absent, bulk ou delta", "%q is %q: expected absent, bulk or delta")
	whyAbsent      = intake.Why("le manifeste annonce %s.csv et le fichier n'y est pas : donnez l'export entier", "the manifest announces %s.csv and the file is not there: give the whole export")
	whyUndeclared  = intake.Why("le manifeste dit %s.csv absent, et Préau en a besoin : demandez un export complet (bulk)", "the manifest says that %s.csv is absent, and Préau needs it: ask for a whole (bulk) export")
	whyTwoFiles    = intake.Why("deux fichiers %s.csv : donnez un seul export à la fois", "two files %s.csv: give one export at a time")
	whyPropTwice   = intake.Why("le manifeste dit « %s » deux fois", "the manifest says %q twice")
	whyNoID        = intake.Why("ligne sans sourcedId : corrigez-la dans l'application d'origine et demandez un nouvel export", "row without a sourcedId: correct it at its source and ask for a new export")
	whyLongID      = intake.Why("identifiant « %s » de plus de %d caractères", "identifier %q of more than %d characters")
	whyStatus      = intake.Why("statut « %s » inconnu : attendu active, tobedeleted, inactive ou vide", "unknown status %q: expected active, tobedeleted, inactive or nothing")
	whyTwice       = intake.Why("le sourcedId « %s » a déjà servi ligne %d pour une ligne différente : on ne peut pas savoir laquelle est la bonne", "sourcedId %q was already used on line %d for a different row: there is no knowing which is right")
	whyNoName      = intake.Why("l'utilisateur « %s » est un élève sans nom (familyName)", "user %q is a pupil without a name (familyName)")
	whyNoSchool    = intake.Why("l'élève « %s » n'est dans aucun établissement de orgs.csv", "pupil %q is in no school of orgs.csv")
	whyOrgLoop     = intake.Why("l'organisation « %s » est son propre parent", "org %q is its own parent")
	whyDate        = intake.Why("date « %s » illisible : attendu aaaa-mm-jj", "unreadable date %q: expected yyyy-mm-dd")
	whyTooManyIDs  = intake.Why("plus de %d identifiants dans une cellule : le fichier est abîmé", "more than %d identifiers in one cell: the file is damaged")
	whyMore        = intake.Why("et %d autres refus de même importance, non listés", "and %d more refusals, not listed")
	whyMissingFile = intake.Why("introuvable : vérifiez le chemin", "not found: check the path")
	whyForbidden   = intake.Why("illisible : donnez à Préau le droit de lire ce fichier", "unreadable: give Préau the right to read this file")
)

// What somebody should look at; nothing is refused for it.
var (
	sayRole     = intake.Why("%s est désigné comme agent de l'élève %s avec le rôle « %s » : ce n'est pas un responsable, rien ne lui sera dit", "%s is named as an agent of the pupil %s, and the role is %q: no guardian, and told nothing")
	sayAlso     = intake.Why("%s, agent de l'élève %s, est « guardian » ou « parent » mais aussi « %s » dans cet établissement : le fichier ne dit pas à quel titre ; rien ne lui sera dit tant que le bureau ne l'a pas choisi", "%s, an agent of the pupil %s, is \"guardian\" or \"parent\" and also %q in this school: the file does not say as which; told nothing until the office chooses")
	sayEnded    = intake.Why("%s, agent de l'élève %s : son rôle « %s » n'est plus en cours (du %s au %s) ; rien ne lui sera dit. S'il l'est encore, corrigez la date à la source", "%s, an agent of the pupil %s: the role %q is not in force (from %s to %s); told nothing. If it still is, correct the date at its source")
	sayPupil    = intake.Why("%s est désigné comme agent de l'élève %s et est élève : aucun lien n'est créé", "%s is named as an agent of the pupil %s and is a pupil: no link is made")
	sayLeft     = intake.Why("%s, agent de l'élève %s, est à supprimer ou inactif dans users.csv : aucun lien n'est créé", "%s, an agent of the pupil %s, is to be deleted or inactive in users.csv: no link is made")
	sayNobody   = intake.Why("l'agent « %s » de l'élève %s n'est pas dans users.csv : il n'y a personne à prévenir", "the agent %q of the pupil %s is not in users.csv: there is nobody to tell")
	saySpelled  = intake.Why("colonne « %s » lue comme « %s »", "column %q read as %q")
	sayNobodyIs = intake.Why("l'utilisateur « %s » n'a aucun rôle que Préau connaît (%s) : laissé de côté", "user %q has no role that Préau knows (%s): left aside")
	sayMore     = intake.Why("et %d autres remarques, non listées", "and %d more remarks, not listed")
)
