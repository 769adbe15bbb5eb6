package aaf

import "fmt"

// reason is why something is not taken, and what to do about it, for the person who
// runs the import: French first, English second, the same arguments in both.
type reason struct{ fr, en string }

func (r reason) text(english bool, args ...any) string {
	if english {
		return fmt.Sprintf(r.en, args...)
	}
	return fmt.Sprintf(r.fr, args...)
}

// The path, before anything is read.
var (
	whyMissing   = reason{"introuvable : vérifiez le chemin", "not found: check the path"}
	whyForbidden = reason{"illisible : donnez à Préau le droit de lire ce fichier ou ce dossier", "unreadable: give Préau the right to read this file or folder"}
	whyNotAFile  = reason{"ni fichier ni dossier : donnez le dossier de l'export, ou ses fichiers", "neither a file nor a folder: give the export's folder, or its files"}
	whyNoFile    = reason{"aucun fichier XML dans ce dossier : donnez le dossier qui contient les fichiers de l'export AAF", "no XML file in this folder: give the folder that holds the files of the AAF export"}
	whyEmptyFile = reason{"fichier vide : demandez une nouvelle extraction", "empty file: ask for a new export"}
	whyNotXML    = reason{"ce n'est pas un fichier XML : donnez les fichiers d'un export AAF complet", "not an XML file: give the files of a full AAF export"}
	whyArchive   = reason{"c'est une archive : décompressez-la et donnez le dossier obtenu", "this is an archive: unpack it and give the folder"}
)

// The bytes and the XML.
var (
	whyUTF16         = reason{"encodage UTF-16 ou UTF-32, que Préau ne lit pas : enregistrez le fichier en UTF-8", "UTF-16 or UTF-32 encoding, which Préau does not read: save the file in UTF-8"}
	whyEncoding      = reason{"encodage « %s » inconnu : attendu UTF-8, ISO-8859-1 ou ISO-8859-15", "unknown encoding %q: expected UTF-8, ISO-8859-1 or ISO-8859-15"}
	whyBadUTF8       = reason{"l'octet 0x%02X n'est pas de l'UTF-8, alors que le fichier est lu comme tel : l'encodage annoncé (ou l'absence d'annonce) est faux", "byte 0x%02X is not UTF-8 although the file is read as such: the declared encoding (or its absence) is wrong"}
	whyBadLatin      = reason{"l'octet 0x%02X n'existe pas dans l'encodage annoncé (sans doute du Windows-1252) : enregistrez le fichier en UTF-8", "byte 0x%02X does not exist in the declared encoding (Windows-1252, probably): save the file in UTF-8"}
	whyReallyUTF8    = reason{"le fichier annonce %s mais il est écrit en UTF-8 : corrigez l'encodage annoncé à la première ligne", "the file declares %s but is written in UTF-8: correct the encoding declared on its first line"}
	whyControl       = reason{"caractère de contrôle 0x%02X interdit en XML : le fichier est abîmé, demandez une nouvelle extraction", "control character 0x%02X, forbidden in XML: the file is damaged, ask for a new export"}
	whyTokenTooLong  = reason{"balise, commentaire ou texte de plus de %d Kio : ce n'est pas un export AAF", "tag, comment or text of more than %d KiB: this is no AAF export"}
	whyTruncated     = reason{"fichier tronqué : il s'arrête avant </ficAlimMENESR> ; copiez-le de nouveau ou demandez une nouvelle extraction", "truncated file: it stops before </ficAlimMENESR>; copy it again or ask for a new export"}
	whyMalformed     = reason{"XML mal formé (%s) : demandez une nouvelle extraction", "malformed XML (%s): ask for a new export"}
	whyEntity        = reason{"entité %s utilisée : un export AAF n'en définit aucune, le fichier est refusé", "entity %s used: an AAF export defines none, the file is refused"}
	whyInternalDTD   = reason{"DTD interne (<!ENTITY> et autres déclarations dans <!DOCTYPE […]>) : refusée par sécurité, un export AAF n'en contient pas", "internal DTD subset (<!ENTITY> and other declarations inside <!DOCTYPE […]>): refused for safety, an AAF export has none"}
	whyDirective     = reason{"déclaration <!%s> inattendue ici", "unexpected declaration <!%s> here"}
	whyRoot          = reason{"élément racine « %s » trouvé, « ficAlimMENESR » attendu : ce n'est pas un export AAF", "root element %q found, \"ficAlimMENESR\" expected: this is no AAF export"}
	whyOtherRoot     = reason{"élément racine « %s » trouvé, « ficAlimMENESR » attendu : c'est %s, pas un export AAF", "root element %q found, \"ficAlimMENESR\" expected: this is %s, not an AAF export"}
	whyElement       = reason{"élément <%s> inattendu dans <%s>", "unexpected element <%s> in <%s>"}
	whyText          = reason{"texte inattendu dans <%s>", "unexpected text in <%s>"}
	whyAttribute     = reason{"attribut « %s » inattendu ou répété sur <%s>", "unexpected or repeated attribute %q on <%s>"}
	whyNoAttrName    = reason{"<attr> sans attribut « name »", "<attr> without a \"name\" attribute"}
	whyValueTooLong  = reason{"valeur de plus de %d octets dans « %s » : le fichier est abîmé", "value of more than %d bytes in %q: the file is damaged"}
	whyTooManyAttrs  = reason{"plus de %d attributs dans une fiche : le fichier est abîmé", "more than %d attributes in one record: the file is damaged"}
	whyTooManyValues = reason{"plus de %d valeurs dans « %s » : le fichier est abîmé", "more than %d values in %q: the file is damaged"}
)

// The dialect.
var (
	whyLaterVersion  = reason{"version %s : ce dialecte (après mars 2018, où le niveau 2 n'est plus un représentant légal) sera lu par une prochaine version de Préau ; rien n'est repris de ce fichier", "version %s: this dialect (after March 2018, where level 2 no longer is a legal representative) will be read by a later release of Préau; nothing is taken from this file"}
	whyLaterKinship  = reason{"lien « %s », code de parenté %s : c'est le dialecte d'après mars 2018, où le niveau 2 n'est plus un représentant légal ; il sera lu par une prochaine version de Préau, rien n'est repris de ce fichier", "link %q, kinship code %s: this is the dialect of after March 2018, where level 2 no longer is a legal representative; it will be read by a later release of Préau, nothing is taken from this file"}
	whyLaterLevel    = reason{"lien « %s », niveau de responsabilité %s : c'est le dialecte d'après mars 2018 ; il sera lu par une prochaine version de Préau, rien n'est repris de ce fichier", "link %q, level %s: this is the dialect of after March 2018; it will be read by a later release of Préau, nothing is taken from this file"}
	whyVersion       = reason{"version « %s » inconnue : attendu AAF-VE suivi de l'année et du mois, comme AAF-VE1301", "unknown version %q: expected AAF-VE followed by year and month, as in AAF-VE1301"}
	whyTwoVersions   = reason{"le fichier annonce deux versions, %s et %s", "the file declares two versions, %s and %s"}
	whyDelta         = reason{"<%s> : c'est un export partiel (delta), Préau ne lit que les exports complets ; demandez un export « Complet »", "<%s>: this is a partial export (delta), Préau reads full exports only; ask for a \"Complet\" export"}
	whyFirstDegree   = reason{"« %s » : c'est un export du premier degré, qui sera lu par une prochaine version de Préau ; rien n'est repris de ce fichier", "%q: this is an export of the first degree, which will be read by a later release of Préau; nothing is taken from this file"}
	whyCategory      = reason{"catégorie « %s = %s » inconnue : attendu Eleve, PersRelEleve, PersEducNat, EtabEducNat, MefEducNat ou MatEducNat", "unknown category \"%s = %s\": expected Eleve, PersRelEleve, PersEducNat, EtabEducNat, MefEducNat or MatEducNat"}
	whyNoCategory    = reason{"fiche sans catégorie (operationalAttributes)", "record without a category (operationalAttributes)"}
	whyNoLinkAtAll   = reason{"des responsables sont nommés mais l'attribut ENTElevePersRelEleve manque : Préau ne peut pas savoir qui est représentant légal ; demandez un export complet du second degré", "guardians are named but the attribute ENTElevePersRelEleve is missing: Préau cannot know who is a legal representative; ask for a full export of the second degree"}
	whyTwoCategories = reason{"fiche de plusieurs catégories (operationalAttributes)", "record of several categories (operationalAttributes)"}
)

// The records.
var (
	whyNoID          = reason{"fiche %s sans identifiant : corrigez-la dans l'application d'origine et demandez une nouvelle extraction", "%s record without an identifier: correct it at its source and ask for a new export"}
	whyBadID         = reason{"identifiant « %s » illisible : au plus %d lettres, chiffres ou signes, sans espace ni « $ »", "unreadable identifier %q: at most %d letters, digits or signs, no space, no \"$\""}
	whyTwoIDs        = reason{"la fiche a deux identifiants différents, %s et %s", "the record has two different identifiers, %s and %s"}
	whyNoAttributes  = reason{"fiche %s sans <attributes>", "%s record without <attributes>"}
	whyDuplicate     = reason{"l'identifiant %s (%s) a déjà servi pour une fiche différente, %s ligne %d : on ne peut pas savoir laquelle est la bonne", "identifier %s (%s) was already used for a different record, %s line %d: there is no knowing which is right"}
	whyRepeatedAttr  = reason{"attribut « %s » répété dans la fiche", "attribute %q repeated in the record"}
	whySeveralValues = reason{"plusieurs valeurs dans « %s », une seule attendue", "several values in %q, only one expected"}
	whyNoName        = reason{"fiche %s sans nom", "%s record without a name"}
	whyBirthDate     = reason{"date de naissance « %s » illisible : attendu jj/mm/aaaa", "unreadable date of birth %q: expected dd/mm/yyyy"}
	whyPacked        = reason{"valeur « %s » illisible dans « %s » : attendu %s", "unreadable value %q in %q: expected %s"}
	whyPackedLink    = reason{"lien « %s » illisible (%s) : attendu identifiant$parenté$financier$légal$contact$paiement, comme 2867253$2$1$1$0$0", "unreadable link %q (%s): expected identifier$kinship$financial$legal$contact$payment, as in 2867253$2$1$1$0$0"}
	whyTwoLinks      = reason{"deux liens contradictoires avec le même responsable : « %s » et « %s »", "two contradicting links with the same guardian: %q and %q"}
	whyNoSchool      = reason{"élève sans établissement (ENTPersonStructRattach)", "pupil without a school (ENTPersonStructRattach)"}
	whyUnknownSchool = reason{"l'établissement %s n'est dans aucun fichier EtabEducNat (%d élèves) : donnez tous les fichiers de l'export", "school %s is in no EtabEducNat file (%d pupils): give all the files of the export"}
	whySameUAI       = reason{"le code UAI %s est celui de deux établissements, %s et %s (%s ligne %d) : aucun des deux n'est repris", "UAI code %s belongs to two schools, %s and %s (%s line %d): neither is taken"}
	whyMore          = reason{"et %d autres refus de même importance, non listés", "and %d more refusals, not listed"}
)

// otherRoots names the files that people give instead, by their root element.
func otherRoot(root string, english bool) (string, bool) {
	known := reason{}
	switch root {
	case "BEE_ELEVES", "BEE_RESPONSABLES", "BEE_STRUCTURES", "BEE_NOMENCLATURES", "IMPORT_ELEVES":
		known = reason{"un fichier SIECLE", "a SIECLE file"}
	case "STS_EDT", "EDT_STS":
		known = reason{"un fichier STS-web", "an STS-web file"}
	case "html", "HTML":
		known = reason{"une page web", "a web page"}
	default:
		return "", false
	}
	return known.text(english), true
}
