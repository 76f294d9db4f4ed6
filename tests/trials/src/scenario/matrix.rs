//! Every answer of a relay at every command, TLS gone wrong, and silence: each ends within its deadline, in the right
//! state, and nobody is given up who could have had their mail.
