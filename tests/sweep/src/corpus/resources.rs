//! Resources that are closed at the end of their use.

use super::parts::{end, fail_after, group, nap, note, parcel};
use crate::{Program, probe};
use std::cell::RefCell;
use taskgroup::with_resource;

pub(super) fn programs() -> Vec<Program> {
    vec![
        Program::new("resources/one_in_each_task", one_in_each_task),
        Program::new("resources/in_one_another", in_one_another),
    ]
}

async fn one_in_each_task() -> String {
    let ends = RefCell::default();
    let result = group(async |g| {
        for n in 1..=3 {
            let ends = &ends;
            g.spawn(probe(async move {
                let used = probe(with_resource(
                    parcel(n),
                    async |resource| {
                        nap(3 * n).await;
                        resource.0 += 1;
                        Ok::<_, &str>(resource.0)
                    },
                    async |resource, why| {
                        nap(1).await;
                        drop(resource);
                        note(ends, "resource", &why);
                    },
                ));
                used.await
            }));
        }
        nap(4).await;
        g.cancel("enough");
        Ok(())
    });
    format!("{} {:?}", end(result.await), ends.take())
}

async fn in_one_another() -> String {
    let ends = RefCell::default();
    let result = group(async |g| {
        g.spawn(fail_after(3, "sibling"));
        g.spawn(probe(with_resource(
            parcel(1),
            async |outer| {
                let inner = probe(with_resource(
                    parcel(2),
                    async |inner| {
                        nap(9).await;
                        Ok(inner.0)
                    },
                    async |_inner, why| {
                        nap(1).await;
                        note(&ends, "inner", &why);
                    },
                ));
                outer.0 += inner.await?;
                Ok(outer.0)
            },
            async |_outer, why| {
                nap(1).await;
                note(&ends, "outer", &why);
                Err("closing failed")
            },
        )));
        Ok(())
    });
    format!("{} {:?}", end(result.await), ends.take())
}
