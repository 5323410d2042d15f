use failscope::evidence::redact::Redactor;
use std::collections::BTreeMap;
use std::io::BufRead;
fn main() {
    let verbose = std::env::args().nth(1).unwrap_or_default();
    let mut total: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let v: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let text = v["text"].as_str().unwrap();
        let secret = v["secret"].as_str().unwrap();
        let group = v["group"].as_str().unwrap();
        let r = Redactor::default();
        let out = r.text(text);
        let out = out.as_str();
        let mut leak = out.contains(secret);
        let b = secret.as_bytes();
        if b.len() >= 12 {
            for w in b.windows(12) {
                if memchr::memmem::find(out.as_bytes(), w).is_some() {
                    leak = true;
                }
            }
        }
        let e = total.entry(group.into()).or_default();
        e.1 += 1;
        if !leak {
            e.0 += 1;
        } else if group.starts_with(&verbose) && !verbose.is_empty() {
            println!("MISS {} | {:?} -> {:?}", v["id"], text, out);
        }
    }
    let mut a = (0, 0);
    for (g, (ok, n)) in &total {
        println!("{g}: {ok}/{n} {:.1}%", 100.0 * f64::from(*ok) / f64::from(*n));
        a.0 += ok;
        a.1 += n;
    }
    println!("all {}/{} {:.2}%", a.0, a.1, 100.0 * f64::from(a.0) / f64::from(a.1));
}
