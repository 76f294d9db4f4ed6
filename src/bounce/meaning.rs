//! What a server's refusal means, for a person who is no engineer.

/// In English and French, by the enhanced status code (RFC 3463) where there is one, otherwise by the class of what came
/// back: `hard`, `soft`, `block`, or nothing while it is still tried.
pub fn meaning(kind: &str, class: &str, status: &str) -> [&'static str; 2] {
    if kind == "complaint" {
        return [
            "The reader marked the mail as spam. They get nothing more.",
            "Le lecteur a signalé le message comme indésirable. Il ne reçoit plus rien.",
        ];
    }
    let mut parts = status.splitn(3, '.');
    let (first, subject, detail) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    by_status(first, subject, detail).unwrap_or_else(|| by_class(kind, class))
}

fn by_status(first: &str, subject: &str, detail: &str) -> Option<[&'static str; 2]> {
    Some(match (first, subject, detail) {
        (_, "1", "1" | "0" | "10") => [
            "There is no such mailbox there: the address is wrong, or was given up.",
            "Cette boîte aux lettres n’existe pas : l’adresse est erronée ou abandonnée.",
        ],
        (_, "1", "2") => [
            "There is no such domain: the part behind the @ is wrong, or is gone.",
            "Ce domaine n’existe pas : la partie après @ est erronée ou a disparu.",
        ],
        (_, "1", "3") => [
            "The address is not written as one.",
            "L’adresse n’est pas écrite correctement.",
        ],
        (_, "1", "6") => [
            "The mailbox has moved and left no new address.",
            "La boîte aux lettres a changé d’adresse sans laisser la nouvelle.",
        ],
        (_, "1", "7" | "8") => [
            "Their server does not know our sender’s address. The operator should look.",
            "Leur serveur ne reconnaît pas notre adresse d’expéditeur. À signaler à l’exploitant.",
        ],
        (_, "2", "1") => [
            "The mailbox is switched off.",
            "La boîte aux lettres est désactivée.",
        ],
        (_, "2", "2") => ["The mailbox is full.", "La boîte aux lettres est pleine."],
        (_, "2" | "3", "3" | "4") => [
            "The mail is larger than they take.",
            "Le message dépasse la taille qu’ils acceptent.",
        ],
        ("4", "3", _) => [
            "Their server is busy or out of order for now. We try again by ourselves.",
            "Leur serveur est surchargé ou en panne pour le moment. Nous réessayons automatiquement.",
        ],
        (_, "4", "1" | "2" | "3") => [
            "Their server could not be reached or did not answer.",
            "Leur serveur était injoignable ou n’a pas répondu.",
        ],
        (_, "4", "4") => [
            "No way to their server is known: their domain is set up wrong.",
            "Aucun chemin connu vers leur serveur : leur domaine est mal configuré.",
        ],
        (_, "4", "6") => [
            "Their servers send the mail in a circle.",
            "Leurs serveurs se renvoient le message en boucle.",
        ],
        (_, "4", "7") => [
            "It was tried for days, and their server never took it.",
            "Après des jours d’essais, leur serveur ne l’a jamais accepté.",
        ],
        (_, "7", "20" | "21" | "22" | "23" | "24" | "25" | "26" | "27" | "29") => [
            "They doubt that the mail is ours: a signature (SPF, DKIM, DMARC) or a name of our server is missing. The operator should look before more goes out.",
            "Ils doutent que le message vienne de nous : une signature (SPF, DKIM, DMARC) ou le nom de notre serveur manque. L’exploitant doit vérifier avant d’envoyer davantage.",
        ],
        ("4", "7", _) => [
            "They asked us to come back later, as servers do with senders that they do not know well yet. We do so by ourselves.",
            "Ils nous demandent de revenir plus tard, comme souvent avec un expéditeur encore peu connu. Nous le faisons automatiquement.",
        ],
        (_, "7", _) => [
            "They refuse mail from us, by a rule of theirs: our server, our address or the content is not welcome. It is not the reader’s fault; the operator should look.",
            "Ils refusent nos messages selon une règle qui leur est propre : notre serveur, notre adresse ou le contenu. Le lecteur n’y est pour rien ; à signaler à l’exploitant.",
        ],
        (_, "6", _) => [
            "They could not read the mail or did not like its content.",
            "Ils n’ont pas pu lire le message ou en refusent le contenu.",
        ],
        (_, "5", _) => [
            "Their server and ours did not understand each other.",
            "Leur serveur et le nôtre ne se sont pas compris.",
        ],
        _ => return None,
    })
}

fn by_class(kind: &str, class: &str) -> [&'static str; 2] {
    match (kind, class) {
        ("deferred", _) => [
            "Refused for now. We try again by ourselves, for some days.",
            "Refusé pour le moment. Nous réessayons automatiquement, pendant quelques jours.",
        ],
        (_, "hard") => [
            "The address does not exist any more. It gets nothing more.",
            "L’adresse n’existe plus. Elle ne reçoit plus rien.",
        ],
        (_, "block") => [
            "They refused it for the sender’s sake. It is not the reader’s fault; the operator should look.",
            "Refusé à cause de l’expéditeur. Le lecteur n’y est pour rien ; à signaler à l’exploitant.",
        ],
        (_, "soft") => [
            "This one mail failed, for a reason that may pass.",
            "Ce message a échoué, pour une raison qui peut être passagère.",
        ],
        _ => [
            "Their server gave no reason that we know.",
            "Leur serveur n’a donné aucune raison connue.",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::meaning;

    #[test]
    fn a_code_says_more_than_the_class_and_a_complaint_more_than_either() {
        for (kind, class, status, word) in [
            ("bounce", "hard", "5.1.1", "no such mailbox"),
            ("bounce", "soft", "4.2.2", "full"),
            ("deferred", "", "4.7.1", "come back later"),
            ("bounce", "block", "5.7.26", "SPF"),
            ("bounce", "block", "5.7.1", "not the reader’s fault"),
            ("bounce", "soft", "", "may pass"),
            ("deferred", "", "", "try again"),
            ("complaint", "", "5.1.1", "spam"),
            ("bounce", "", "9.9.9", "no reason"),
        ] {
            let [english, french] = meaning(kind, class, status);
            assert!(english.contains(word), "{status}: {english}");
            assert!(!french.is_empty());
        }
    }
}
