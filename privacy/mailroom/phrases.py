"""The phrases by which people use their rights, by language and kind.

A phrase is a regular expression over folded text (`keywords.folded`): lower case, one space between words, no accents,
no Arabic vowel signs, alef and yeh in one form each.
"""

import re

from privacy.models import Request

Kind = Request.Kind

# "Art. 15 GDPR", "DSGVO Artikel 17", …
LAW = r"(?:gdpr|dsgvo|ds-gvo|rgpd|reglamento general|general data protection regulation|datenschutz-?grundverordnung)"
ARTICLE = r"(?:art\.?|article|artikel|articulo|§|المادة)"
ARTICLES = {
    15: Kind.ACCESS, 16: Kind.CORRECTION, 17: Kind.DELETION, 18: Kind.RESTRICTION, 20: Kind.PORTABILITY,
    21: Kind.OBJECTION,
}  # fmt: skip

_DATA = r"(?:personal |private |user )?(?:data|information|info)"
PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        Kind.ACCESS: (
            rf"cop(?:y|ies) of (?:all |any )?(?:of )?(?:my|the) {_DATA}(?! base)",
            r"(?:subject|data) access request|\bdsar\b|right (?:of|to) access",
            rf"(?:what|which|all|any) (?:the )?{_DATA} (?:that )?(?:do )?you (?:\w+ )?(?:hold|have|store|keep|process|collect)",
            rf"access to (?:all )?(?:of )?my {_DATA}",
        ),
        Kind.CORRECTION: (
            rf"(?:correct|rectify|amend) (?:the |my )+(?:\w+ ){{0,2}}(?:{_DATA}|name|address|details|records?)",
            r"right to rectification|rectification of my",
        ),
        Kind.DELETION: (
            rf"(?:delet|eras|remov|wip|destroy)(?:e|ing|ion|ure)?(?: of)?(?: all| any)?(?: of)? my (?:\w+ ){{0,3}}(?:{_DATA}|account|profile|details)\b",
            rf"(?:have|want|get) (?:all )?(?:of )?my (?:\w+ ){{0,2}}(?:{_DATA}|account|profile) (?:to be )?(?:completely |permanently )?(?:deleted|erased|removed)",
            r"right to (?:be forgotten|erasure)|(?:data )?erasure request",
        ),
        Kind.PORTABILITY: (
            r"data portability|right to portability",
            rf"my {_DATA} in a (?:structured|portable|machine.readable)",
        ),
        Kind.OPT_OUT: (
            rf"(?:do not|don.?t|stop) sell(?:ing)? (?:or shar(?:e|ing) )?my {_DATA}",
            r"unsubscribe me|(?:no more|stop (?:all |the |your )?|do not want (?:any )?(?:more )?|opt.?out (?:of|from) (?:all )?(?:the |your )?)(?:marketing|advertising|newsletter)",
            r"(?:remove|take) me (?:from|off) (?:your|the|all) (?:\w+ )?(?:mailing )?lists?",
        ),
        Kind.RESTRICTION: (
            rf"restrict (?:the )?(?:processing|use) of my {_DATA}|restriction of (?:the )?processing",
        ),
        Kind.OBJECTION: (
            rf"\bobject to (?:the |your )?(?:processing|use|using)(?: of)? (?:of )?my {_DATA}|right to object",
        ),
        Kind.WITHDRAWAL: (
            r"(?:withdraw|revoke|take back) (?:all )?my consent|withdrawal of (?:my )?consent",
        ),
        Kind.COMPLAINT: (
            rf"(?:privacy|data protection) complaint|complain(?:t|ing)? (?:about|regarding|concerning) (?:\w+ ){{0,8}}(?:privacy|{_DATA})\b",
        ),
    },
    "de": {
        Kind.ACCESS: (
            r"selbstauskunft|auskunfts(?:ersuchen|antrag|anspruch|anfrage|recht)|datenauskunft",
            r"auskunft (?:\w+ ){0,4}(?:ue?ber|zu) (?:\w+ ){0,6}(?:daten|gespeichert)",
            r"kopie (?:all |aller )?meiner (?:\w+ ){0,2}daten",
            r"welche (?:\w+ ){0,2}daten (?:\w+ ){0,6}(?:ue?ber mich|von mir|zu meiner person)",
        ),
        Kind.CORRECTION: (
            r"berichtig\w* (?:\w+ ){0,5}(?:meine\w* |der |die )(?:\w+ ){0,2}(?:daten|angaben|adresse|namens?)",
            r"meine?n? (?:\w+ ){0,2}(?:daten|angaben|adresse|namen) (?:\w+ ){0,3}(?:zu )?(?:berichtigen|korrigieren)|recht auf berichtigung",
        ),
        Kind.DELETION: (
            r"(?:loe?sch|entfern|vernicht)\w* (?:\w+ ){0,4}mein\w* (?:\w+ ){0,3}(?:daten|konto|kontos|account|accounts|profil|profils|benutzerkonto\w*)\b",
            r"mein\w* (?:\w+ ){0,3}(?:daten|konto|account|profil|benutzerkonto) (?:\w+ ){0,6}(?:zu )?(?:loe?schen|geloe?scht|entfernen|entfernt)\b",
            r"recht auf (?:loe?schung|vergessenwerden)|loe?schungs?(?:antrag|ersuchen)",
        ),
        Kind.PORTABILITY: (r"datenue?bertragbarkeit|datenportabilitat", r"meine (?:\w+ ){0,2}daten (?:\w+ ){0,4}maschinenlesbar"),
        Kind.OPT_OUT: (
            r"werbewiderspruch|keine (?:\w+ )?(?:werbung|werbe.?mails|newsletter)",
            r"(?:vom|von eurem|von ihrem|den|ihren|euren) newsletter (?:\w+ ){0,3}(?:abmelden|abbestellen)|abmeldung vom newsletter",
        ),
        Kind.RESTRICTION: (r"einschrankung der (?:daten)?verarbeitung|verarbeitung (?:\w+ ){0,5}einzuschranken",),
        Kind.OBJECTION: (
            r"widersprech\w* (?:\w+ ){0,5}(?:daten)?(?:verarbeitung|nutzung)",
            r"widerspruch (?:\w+ ){0,3}gegen (?:\w+ ){0,3}(?:daten)?(?:verarbeitung|nutzung)|widerspruchsrecht",
        ),
        Kind.WITHDRAWAL: (
            r"einwilligung\w* (?:\w+ ){0,6}widerruf\w*|widerruf\w* (?:\w+ ){0,6}einwilligung\w*",
        ),
        Kind.COMPLAINT: (r"datenschutzbeschwerde|(?:beschwer\w*) (?:\w+ ){0,6}(?:datenschutz\w*|meine\w* daten)",),
    },
    "fr": {
        Kind.ACCESS: (
            r"droit d.acces|copie de (?:toutes )?mes (?:donnees|informations)",
            r"acces a (?:toutes )?mes (?:donnees|informations)|acceder a (?:toutes )?mes donnees",
            r"quelles donnees (?:\w+ ){0,8}(?:sur moi|me concernant)",
        ),
        Kind.CORRECTION: (r"rectifi\w* (?:\w+ ){0,4}(?:mes|les) (?:donnees|informations|coordonnees)|corriger mes|droit de rectification",),
        Kind.DELETION: (
            r"(?:supprim|effac)\w* (?:\w+ ){0,4}(?:mes (?:donnees|informations)|mon (?:compte|profil))",
            r"(?:suppression|effacement) (?:\w+ ){0,3}(?:mes (?:donnees|informations)|mon (?:compte|profil))",
            r"droit a l.(?:effacement|oubli)",
        ),
        Kind.PORTABILITY: (r"portabilite",),
        Kind.OPT_OUT: (
            r"desabonne\w*|desinscri\w*|ne (?:veux|souhaite|desire) plus recevoir (?:\w+ ){0,5}(?:publicit\w*|newsletters?|e-?mails?|courriels?|marketing)",
        ),
        Kind.RESTRICTION: (r"limitation du traitement|limiter le traitement",),
        Kind.OBJECTION: (r"m.oppose (?:\w+ ){0,4}(?:traitement|utilisation)|droit d.opposition|opposition au traitement",),
        Kind.WITHDRAWAL: (r"(?:retir|revoqu)\w* (?:mon|le) consentement|retrait (?:de )?(?:mon|du) consentement",),
        Kind.COMPLAINT: (r"(?:reclamation|plainte) (?:\w+ ){0,8}(?:donnees|vie privee|confidentialite)",),
    },
    "es": {
        Kind.ACCESS: (
            r"derecho de acceso|copia de (?:todos )?mis datos|acceso a (?:todos )?mis datos|acceder a (?:todos )?mis datos",
            r"que datos (?:\w+ ){0,6}(?:sobre mi|de mi)\b",
        ),
        Kind.CORRECTION: (r"rectific\w* (?:\w+ ){0,4}mis datos|corregir mis datos|correccion de mis datos|derecho de rectificacion",),
        Kind.DELETION: (
            r"(?:elimin|borr|suprim)\w* (?:\w+ ){0,4}(?:mis datos|mi (?:cuenta|perfil|informacion))",
            r"(?:supresion|eliminacion|borrado) de (?:\w+ )?(?:mis datos|mi (?:cuenta|perfil|informacion))",
            r"derecho (?:de supresion|al olvido)",
        ),
        Kind.PORTABILITY: (r"portabilidad",),
        Kind.OPT_OUT: (
            r"darme de baja|den? de baja (?:\w+ ){0,4}(?:lista|boletin|publicidad)|no (?:quiero|deseo) (?:seguir )?(?:recibir|recibiendo) (?:\w+ ){0,3}(?:publicidad|correos|boletin)",
        ),
        Kind.RESTRICTION: (r"limitacion del tratamiento|limit\w+ el tratamiento de mis datos",),
        Kind.OBJECTION: (r"me opongo (?:\w+ ){0,4}(?:tratamiento|uso)|derecho de oposicion|oposicion al tratamiento",),
        Kind.WITHDRAWAL: (r"(?:retir|revoc)\w* (?:mi|el) consentimiento|retirada (?:de mi|del) consentimiento",),
        Kind.COMPLAINT: (r"(?:reclamacion|queja) (?:\w+ ){0,8}(?:mis datos|datos personales|privacidad)",),
    },
    "ar": {
        Kind.ACCESS: (
            r"نسخه من (?:جميع |كل )?(?:بياناتي|معلوماتي)",
            r"(?:الوصول|الاطلاع) (?:الي|علي) (?:جميع |كل )?(?:بياناتي|معلوماتي)|حق الوصول|حق الاطلاع",
        ),
        Kind.CORRECTION: (r"(?:تصحيح|تعديل) (?:بياناتي|معلوماتي)",),
        Kind.DELETION: (
            r"(?:حذف|مسح|محو|ازاله|احذفوا|امسحوا) (?:جميع |كل )?(?:بياناتي|حسابي|معلوماتي)",
            r"الحق في (?:المحو|النسيان)|حق (?:المحو|النسيان)",
        ),
        Kind.PORTABILITY: (r"نقل بياناتي|قابليه نقل البيانات",),
        Kind.OPT_OUT: (r"الغاء (?:الاشتراك|اشتراكي)|(?:ايقاف|وقف|اوقفوا) (?:\w+ ){0,2}(?:التسويق|التسويقيه|الاعلانات|الاعلانيه)",),
        Kind.RESTRICTION: (r"تقييد (?:\w+ ){0,2}(?:معالجه|المعالجه|استخدام)",),
        Kind.OBJECTION: (r"اعترض علي (?:\w+ ){0,2}(?:معالجه|استخدام)|الاعتراض علي معالجه",),
        Kind.WITHDRAWAL: (r"(?:سحب|اسحب) (?:موافقتي|الموافقه)",),
        Kind.COMPLAINT: (r"شكوي (?:\w+ ){0,6}(?:الخصوصيه|بياناتي|البيانات)",),
    },
}  # fmt: skip

# A "no" shortly before a phrase turns it round; in these kinds the "no" is the wish itself.
NOT = re.compile(
    r"(?:\b(?:not|n.t|never|without|nicht|keinesfalls|ohne|pas|jamais|sans|no|nunca|sin|لا|لم|لن|دون)\b)(?: \w+){0,3} ?$"
)
# German and French put it in the middle, or behind.
NOT_INSIDE = re.compile(r"\b(?:nicht|pas|jamais)\b")
NOT_BEHIND = re.compile(r"^ (?:nicht|pas)\b")
OWN_NO = frozenset({Kind.OPT_OUT, Kind.OBJECTION, Kind.RESTRICTION, Kind.WITHDRAWAL, Kind.COMPLAINT})
PRIVACY = re.compile(
    rf"\b{LAW}\b|\bccpa\b|\blgpd\b|privacy|personal data|data protection|datenschutz|personenbezogen|donnees personnelles"
    r"|vie privee|datos personales|privacidad|البيانات الشخصيه|الخصوصيه"
)
ON_BEHALF = re.compile(
    r"\bon behalf of\b|\bmy client|\bim namen (?:von|meine)|mandant|\bau nom de\b|\bmon client|\ben nombre de\b|\bmi cliente|نيابه عن"
)
CHILD = re.compile(
    r"\bmy (?:\w+ )?(?:child|children|son|daughter)\b|\bminor child|\bmein\w* (?:\w+ )?(?:kind|kindes|kinder|sohn\w*|tochter)\b"
    r"|\bm(?:on|a|es) (?:fils|fille|enfants?)\b|\bmis? (?:hij[oa]s?)\b|طفلي|ابني|ابنتي"
)
