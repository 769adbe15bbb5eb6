package aaf

import "github.com/preau-ent/preau/internal/directory/internal/intake"

// The files.
var whyNoFile = intake.Why("aucun fichier XML dans ce dossier : donnez le dossier qui contient les fichiers de l'export AAF", "no XML file in this folder: give the folder that holds the files of the AAF export")

// The XML.
var (
	whyRoot          = intake.Why("élément racine « %s » trouvé, « ficAlimMENESR » attendu : ce n'est pas un export AAF", "root element %q found, \"ficAlimMENESR\" expected: this is no AAF export")
	whyOtherRoot     = intake.Why("élément racine « %s » trouvé, « ficAlimMENESR » attendu : c'est %s, pas un export AAF", "root element %q found, \"ficAlimMENESR\" expected: this is %s, not an AAF export")
	whyAttribute     = intake.Why("attribut « %s » inattendu ou répété sur <%s>", "unexpected or repeated attribute %q on <%s>")
	whyNoAttrName    = intake.Why("<attr> sans attribut « name »", "<attr> without a \"name\" attribute")
	whyValueTooLong  = intake.Why("valeur de plus de %d octets dans « %s » : le fichier est abîmé", "value of more than %d bytes in %q: the file is damaged")
	whyTooManyAttrs  = intake.Why("plus de %d attributs dans une fiche : le fichier est abîmé", "more than %d attributes in one record: the file is damaged")
	whyTooManyValues = intake.Why("plus de %d valeurs dans « %s » : le fichier est abîmé", "more than %d values in %q: the file is damaged")
)

// The dialect.
var (
	whyTwoDialects   = intake.Why("« %s » est du dialecte %s et « %s » du dialecte %s (%s ligne %d) : dans l'un, le niveau 2 est un représentant légal, dans l'autre non ; donnez les fichiers d'un seul export, ou décidez avec --dialect before-2018 ou --dialect after-2018", "%q is of the dialect %s and %q of the dialect %s (%s line %d): in one of them level 2 is a legal representative, in the other it is not; give the files of one export, or decide with --dialect before-2018 or --dialect after-2018")
	whyNotDialect    = intake.Why("« %s » est du dialecte %s, et --dialect dit %s (before-2018 : aaf-2013, after-2018 : aaf-2018) : retirez --dialect, ou donnez les bons fichiers", "%q is of the dialect %s, and --dialect says %s (before-2018: aaf-2013, after-2018: aaf-2018): leave --dialect out, or give the right files")
	whyNoDialect     = intake.Why("lien « %s » : rien dans les fichiers ne dit si le niveau 2 est un représentant légal (avant le 30 mars 2018) ou une personne en charge (après) ; dites-le avec --dialect before-2018 ou --dialect after-2018", "link %q: nothing in the files tells whether level 2 is a legal representative (before 30 March 2018) or a person in charge (after); tell it with --dialect before-2018 or --dialect after-2018")
	whyTwoVersions   = intake.Why("le fichier annonce deux versions, %s et %s", "the file declares two versions, %s and %s")
	whyNoBase        = intake.Why("ce fichier partiel (delta) modifie la fiche %s, qui n'est dans aucun fichier complet : donnez ensemble l'export complet et tous les deltas faits depuis", "this partial file (delta) changes the record %s, which is in no full file: give the full export and all deltas since it together")
	whyTwoDeltas     = intake.Why("la fiche %s est déjà modifiée par %s ligne %d, et les noms des fichiers ne disent pas lequel vient après : donnez-les avec leur nom d'origine (…_20260901_…)", "record %s is changed by %s line %d already, and the names of the files do not tell which comes after: give them with their own names (…_20260901_…)")
	whyOperation     = intake.Why("modification « %s » : seule « replace » existe", "modification %q: there is only \"replace\"")
	whyAuthority     = intake.Why("« %s » illisible dans ENTEleveAutoriteParentale : attendu un identifiant, ou identifiant$lien ; Préau ne peut pas savoir ce que dit le reste", "unreadable %q in ENTEleveAutoriteParentale: expected an identifier, or identifier$kinship; Préau cannot know what the rest says")
	whyCategory      = intake.Why("catégorie « %s = %s » inconnue : attendu Eleve, PersRelEleve, PersEducNat, EtabEducNat, MefEducNat ou MatEducNat", "unknown category \"%s = %s\": expected Eleve, PersRelEleve, PersEducNat, EtabEducNat, MefEducNat or MatEducNat")
	whyNoCategory    = intake.Why("fiche sans catégorie (operationalAttributes)", "record without a category (operationalAttributes)")
	whyNoLinkAtAll   = intake.Why("des responsables sont nommés mais l'attribut ENTElevePersRelEleve manque : Préau ne peut pas savoir qui est représentant légal ; demandez un export complet du second degré", "guardians are named but the attribute ENTElevePersRelEleve is missing: Préau cannot know who is a legal representative; ask for a full export of the second degree")
	whyTwoCategories = intake.Why("fiche de plusieurs catégories (operationalAttributes)", "record of several categories (operationalAttributes)")
)

// The records.
var (
	whyNoID          = intake.Why("fiche %s sans identifiant : corrigez-la dans l'application d'origine et demandez une nouvelle extraction", "%s record without an identifier: correct it at its source and ask for a new export")
	whyBadID         = intake.Why("identifiant « %s » illisible : au plus %d lettres, chiffres ou signes, sans espace ni « $ »", "unreadable identifier %q: at most %d letters, digits or signs, no space, no \"$\"")
	whyTwoIDs        = intake.Why("la fiche a deux identifiants différents, %s et %s", "the record has two different identifiers, %s and %s")
	whyNoAttributes  = intake.Why("fiche %s sans <attributes>", "%s record without <attributes>")
	whyDuplicate     = intake.Why("l'identifiant %s (%s) a déjà servi pour une fiche différente, %s ligne %d : on ne peut pas savoir laquelle est la bonne", "identifier %s (%s) was already used for a different record, %s line %d: there is no knowing which is right")
	whyRepeatedAttr  = intake.Why("attribut « %s » répété dans la fiche", "attribute %q repeated in the record")
	whySeveralValues = intake.Why("plusieurs valeurs dans « %s », une seule attendue", "several values in %q, only one expected")
	whyNoName        = intake.Why("fiche %s sans nom", "%s record without a name")
	whyBirthDate     = intake.Why("date de naissance « %s » illisible : attendu jj/mm/aaaa", "unreadable date of birth %q: expected dd/mm/yyyy")
	whyPacked        = intake.Why("valeur « %s » illisible dans « %s » : attendu %s", "unreadable value %q in %q: expected %s")
	whyPackedLink    = intake.Why("lien « %s » illisible (%s) : attendu identifiant$parenté$financier$légal$contact$paiement, comme 2867253$2$1$1$0$0", "unreadable link %q (%s): expected identifier$kinship$financial$legal$contact$payment, as in 2867253$2$1$1$0$0")
	whyTwoLinks      = intake.Why("deux liens contradictoires avec le même responsable : « %s » et « %s »", "two contradicting links with the same guardian: %q and %q")
	whyNoSchool      = intake.Why("élève sans établissement (ENTPersonStructRattach)", "pupil without a school (ENTPersonStructRattach)")
	whyUnknownSchool = intake.Why("l'établissement %s n'est dans aucun fichier EtabEducNat (%d élèves) : donnez tous les fichiers de l'export", "school %s is in no EtabEducNat file (%d pupils): give all the files of the export")
	whySameUAI       = intake.Why("le code UAI %s est celui de deux établissements, %s et %s (%s ligne %d) : aucun des deux n'est repris", "UAI code %s belongs to two schools, %s and %s (%s line %d): neither is taken")
	whyMore          = intake.Why("et %d autres refus de même importance, non listés", "and %d more refusals, not listed")
)

// otherRoots names the files that people give instead, by their root element.
func otherRoot(root string, english bool) (string, bool) {
	known := intake.Reason{}
	switch root {
	case "BEE_ELEVES", "BEE_RESPONSABLES", "BEE_STRUCTURES", "BEE_NOMENCLATURES", "IMPORT_ELEVES":
		known = intake.Why("un fichier SIECLE", "a SIECLE file")
	case "STS_EDT", "EDT_STS":
		known = intake.Why("un fichier STS-web", "an STS-web file")
	case "html", "HTML":
		known = intake.Why("une page web", "a web page")
	default:
		return "", false
	}
	return known.Text(english), true
}
