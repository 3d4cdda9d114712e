//! What every Longshore function shares.
