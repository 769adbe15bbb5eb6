package intake

// The path, before anything is read.
var (
	whyMissing   = Why("introuvable : vérifiez le chemin", "not found: check the path")
	whyForbidden = Why("illisible : donnez à Préau le droit de lire ce fichier ou ce dossier", "unreadable: give Préau the right to read this file or folder")
	whyNotAFile  = Why("ni fichier ni dossier : donnez le dossier de l'export, ou ses fichiers", "neither a file nor a folder: give the export's folder, or its files")
	whyNoFile    = Why("aucun fichier dans ce dossier : donnez le dossier qui contient les fichiers de l'export", "no file in this folder: give the folder that holds the files of the export")
	whyManyFiles = Why("plus de %d fichiers : donnez le dossier qui ne contient que ceux de l'export", "more than %d files: give the folder that holds those of the export only")
	whyEmptyFile = Why("fichier vide : demandez une nouvelle extraction", "empty file: ask for a new export")
)

// Archives.
var (
	whyArchive      = Why("c'est une archive que Préau n'ouvre pas : décompressez-la et donnez le dossier obtenu", "this is an archive that Préau does not open: unpack it and give the folder")
	whyNested       = Why("« %s » est une archive dans l'archive : décompressez-la et donnez le dossier obtenu", "%q is an archive within the archive: unpack it and give the folder")
	whyBadZip       = Why("archive zip illisible ou tronquée : copiez-la de nouveau ou demandez une nouvelle extraction", "unreadable or truncated zip archive: copy it again or ask for a new export")
	whyZipEntries   = Why("l'archive contient plus de %d fichiers : ce n'est pas un export", "the archive holds more than %d files: this is no export")
	whyZipSize      = Why("l'archive annonce plus de %d Mio une fois décompressée : ce n'est pas un export", "the archive declares more than %d MiB once unpacked: this is no export")
	whyZipRatio     = Why("l'archive grossirait plus de %d fois : c'est une bombe de décompression, elle n'est pas ouverte", "the archive would grow more than %d times: this is a decompression bomb, it is not opened")
	whyZipLies      = Why("« %s » est plus gros que l'archive ne l'annonce : l'archive est piégée ou abîmée", "%q is larger than the archive declares: the archive is a trap or damaged")
	whyZipSecret    = Why("« %s » est protégé par un mot de passe : décompressez l'archive et donnez le dossier obtenu", "%q is protected by a password: unpack the archive and give the folder")
	whyZipMethod    = Why("« %s » est compressé d'une façon que Préau ne lit pas : décompressez l'archive et donnez le dossier obtenu", "%q is compressed in a way that Préau does not read: unpack the archive and give the folder")
	whyOpenDocument = Why("c'est un classeur OpenDocument (.ods) : enregistrez-le en .xlsx ou en CSV", "this is an OpenDocument workbook (.ods): save it as .xlsx or CSV")
	whyOldOffice    = Why("c'est un ancien classeur (.xls) ou un classeur protégé par un mot de passe : enregistrez-le en .xlsx ou en CSV, sans mot de passe", "this is an old workbook (.xls) or one protected by a password: save it as .xlsx or CSV, without a password")
	whyZipTwice     = Why("l'archive contient deux fois « %s » : on ne peut pas savoir lequel est le bon", "the archive holds %q twice: there is no knowing which is right")
)

// The bytes.
var (
	whyNotXML       = Why("ce n'est pas un fichier XML : donnez les fichiers de l'export", "not an XML file: give the files of the export")
	whyUTF16        = Why("encodage UTF-16 ou UTF-32, que Préau ne lit pas : enregistrez le fichier en UTF-8", "UTF-16 or UTF-32 encoding, which Préau does not read: save the file in UTF-8")
	whyEncoding     = Why("encodage « %s » inconnu : attendu UTF-8, ISO-8859-1 ou ISO-8859-15", "unknown encoding %q: expected UTF-8, ISO-8859-1 or ISO-8859-15")
	whyBadUTF8      = Why("l'octet 0x%02X n'est pas de l'UTF-8, alors que le fichier est lu comme tel : l'encodage annoncé (ou l'absence d'annonce) est faux", "byte 0x%02X is not UTF-8 although the file is read as such: the declared encoding (or its absence) is wrong")
	whyBadLatin     = Why("l'octet 0x%02X n'existe pas dans l'encodage annoncé (sans doute du Windows-1252) : enregistrez le fichier en UTF-8", "byte 0x%02X does not exist in the declared encoding (Windows-1252, probably): save the file in UTF-8")
	whyReallyUTF8   = Why("le fichier annonce %s mais il est écrit en UTF-8 : corrigez l'encodage annoncé à la première ligne", "the file declares %s but is written in UTF-8: correct the encoding declared on its first line")
	whyControl      = Why("caractère de contrôle 0x%02X interdit : le fichier est abîmé, demandez une nouvelle extraction", "control character 0x%02X, forbidden: the file is damaged, ask for a new export")
	whyTokenTooLong = Why("balise, ligne, commentaire ou texte de plus de %d Kio : ce n'est pas un export", "tag, line, comment or text of more than %d KiB: this is no export")
	whyColumns      = Why("plus de %d colonnes : ce n'est pas un export", "more than %d columns: this is no export")
	whyQuotes       = Why("guillemets mal placés ou jamais refermés : ouvrez le fichier dans un tableur, corrigez cette ligne ou demandez une nouvelle extraction", "quotes out of place or never closed: open the file in a spreadsheet, correct this line or ask for a new export")
	whyValueTooLong = Why("valeur de plus de %d octets dans « %s » : le fichier est abîmé", "value of more than %d bytes in %q: the file is damaged")
)

// The XML.
var (
	whyTruncated   = Why("fichier tronqué : il s'arrête avant </%s> ; copiez-le de nouveau ou demandez une nouvelle extraction", "truncated file: it stops before </%s>; copy it again or ask for a new export")
	whyMalformed   = Why("XML mal formé (%s) : demandez une nouvelle extraction", "malformed XML (%s): ask for a new export")
	whyEntity      = Why("entité %s utilisée : aucun export n'en définit, le fichier est refusé", "entity %s used: no export defines any, the file is refused")
	whyInternalDTD = Why("DTD interne (<!ENTITY> et autres déclarations dans <!DOCTYPE […]>) : refusée par sécurité, aucun export n'en contient", "internal DTD subset (<!ENTITY> and other declarations inside <!DOCTYPE […]>): refused for safety, no export has one")
	whyDirective   = Why("déclaration <!%s> inattendue ici", "unexpected declaration <!%s> here")
	whyElement     = Why("élément <%s> inattendu dans <%s>", "unexpected element <%s> in <%s>")
	whyText        = Why("texte inattendu dans <%s>", "unexpected text in <%s>")
	whyDepth       = Why("plus de %d éléments les uns dans les autres : ce n'est pas un export", "more than %d elements within one another: this is no export")
)
