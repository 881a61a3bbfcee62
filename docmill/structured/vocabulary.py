"""What fields are called in business documents: names that schemas use, and labels that documents print, in several
languages. A concept is known by its field names; its labels are those of documents in English, German, French, Dutch,
Spanish, Italian, Portuguese and Polish. Data only: a new word is a new entry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Concept:
    """What a field means. `kind` is how its value is read; `weak` are labels that often mean something else, too."""

    name: str
    kind: str
    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()


_TABLE = """
invoice_number|id|invoice number,invoice no,invoice id,invoice nr,invoice num,invoice ref,bill number,receipt number,document number|invoice number,invoice no,invoice nr,invoice #,invoice id,invoice num,inv no,bill no,bill number,receipt no,receipt number,tax invoice no,rechnungsnummer,rechnungs nr,rechnung nr,rechnung nummer,re nr,belegnummer,numéro de facture,numero facture,n° facture,facture n°,facture no,no facture,facture numéro,factuurnummer,factuur nr,factuurnr,número de factura,factura n°,nº factura,factura no,factura nº,num factura,numero fattura,fattura n,fattura numero,nr fattura,número da fatura,fatura n°,numer faktury,faktura nr,faktura vat nr,fakturanummer,fakturanr|invoice,factuur,rechnung,facture,factura,fattura,faktura,document no,belegnr
date|date|invoice date,date,issue date,issued on,date issued,invoice issue date,document date,bill date,billing date,date of issue,receipt date|invoice date,date of invoice,bill date,date of issue,issue date,issued on,dated,invoice issued,tax point,rechnungsdatum,datum der rechnung,belegdatum,ausstellungsdatum,date de facture,date de la facture,date facture,date d'émission,factuurdatum,factuur datum,fecha de factura,fecha factura,fecha de emisión,fecha de expedición,data fattura,data emissione,data di emissione,data da fatura,data de emissão,data wystawienia,fakturadatum|date,datum,fecha,data,le
date_due|date|due date,date due,payment due date,payment due,pay by,payment date due|due date,date due,payment due,payment due date,due on,pay by,payable by,due by,fällig am,fälligkeitsdatum,zahlbar bis,fällig,zahlungsziel,date d'échéance,échéance,vervaldatum,te betalen voor,uiterste betaaldatum,fecha de vencimiento,vencimiento,data scadenza,scadenza,data de vencimento,termin płatności|due
order_number|id|order number,order no,order id,sales order,order reference|order number,order no,order id,order #,order nr,sales order,bestellnummer,auftragsnummer,auftrags nr,bestell nr,numéro de commande,commande n°,n° commande,ordernummer,bestelnummer,número de pedido,pedido n°,numero ordine,ordine n|order,commande,pedido,ordine,bestellung
purchase_order|id|purchase order number,purchase order,po number,po no,po,customer po,customer order free ref,customer order reference,customer reference,purchase order no|purchase order number,purchase order,purchase order no,po number,po no,po #,p.o. number,p.o. no,customer po,your order,your order no,your reference,customer reference,ihre bestellnummer,ihre referenz,ihr zeichen,votre référence,uw referentie,uw kenmerk,su referencia,su pedido,vostro ordine,customer ref,client reference|po,reference,ref,referenz,référence,referentie,referencia,riferimento
order_date|date|order date,date of order,purchase date|order date,date of order,orderdatum,besteldatum,bestelldatum,auftragsdatum,date de commande,fecha de pedido,data ordine|
delivery_date|date|delivery date,ship date,shipping date,date of supply,service date|delivery date,date of delivery,ship date,shipping date,date of supply,dispatch date,lieferdatum,leistungsdatum,date de livraison,leverdatum,fecha de entrega,data di consegna,data consegna|
date_start|date|date start,start date,period start,service start,from date,billing period start,service period start|start date,period start,from,von,période du,service from|
date_end|date|date end,end date,period end,service end,to date,billing period end,service period end|end date,period end,service to|
check_in|date|date check in,check in,check in date,arrival date,arrival|check in,check-in,checkin,arrival,arrival date,anreise,arrivée|
check_out|date|date check out,check out,check out date,departure date,departure|check out,check-out,checkout,departure,departure date,abreise,départ|
customer_number|id|customer number,customer no,customer id,client number,client id,account number,customer account|customer number,customer no,customer id,customer #,client no,client number,client id,account number,account no,kundennummer,kunden nr,kundennr,numéro de client,numéro client,n° client,code client,klantnummer,klant nr,número de cliente,nº cliente,codice cliente,numer klienta|account,klant
booking_id|id|booking id,booking number,booking reference,reservation number,confirmation number|booking id,booking no,booking number,booking reference,reservation number,reservation no,confirmation number,confirmation no,buchungsnummer,reservierungsnummer,numéro de réservation,reserveringsnummer,boekingsnummer,localizador|booking,pnr
total|money|total,total amount,amount,total due,amount due,grand total,invoice total,balance due,total amount due,amount total,total price,total incl tax,total gross,gross total,total with tax,gross amount,total payable,amount payable|total,grand total,total due,amount due,total amount,total amount due,invoice total,balance due,total payable,amount payable,total incl vat,total including tax,total incl tax,total incl,total to pay,total for this invoice,invoice amount,please pay,gesamtbetrag,rechnungsbetrag,gesamtsumme,gesamt,endbetrag,zahlbetrag,bruttobetrag,gesamtbetrag brutto,summe brutto,total ttc,montant ttc,montant total,net à payer,total à payer,montant à payer,totaal,totaalbedrag,factuurtotaal,factuur totaal,totaal incl btw,te betalen,te betalen bedrag,totaal te betalen,importe total,total factura,total a pagar,totale,totale fattura,totale documento,totale da pagare,valor total,total a pagar,razem,do zapłaty,suma|amount,balance,betrag,summe,bedrag,importe,importo,montant
subtotal|money|subtotal,sub total,amount untaxed,untaxed amount,net amount,net total,total net,total excl tax,total before tax,amount excl tax,net,taxable amount|subtotal,sub total,net amount,net total,total net,total excl vat,total excl tax,total excluding tax,total ex vat,total before tax,taxable amount,amount before tax,excl vat,netto,nettobetrag,summe netto,zwischensumme,gesamt netto,nettosumme,total ht,montant ht,sous-total,sous total,subtotaal,exclusief btw,totaal excl btw,excl btw,netto bedrag,bedrag excl btw,base imponible,importe neto,subtotale,imponibile,totale imponibile,totale netto,valor líquido,wartość netto,suma netto,grondslag|net,charges
tax|money|tax,tax amount,amount tax,vat,vat amount,total tax,tax total,sales tax,gst,gst amount,total vat|tax,vat,sales tax,gst,tax amount,vat amount,total tax,total vat,total gst,mwst,ust,mehrwertsteuer,umsatzsteuer,mwst betrag,zzgl mwst,zzgl ust,tva,montant tva,total tva,btw,btw bedrag,iva,cuota iva,importe iva,imposta,totale iva,totale imposta,podatek vat,kwota vat|
tax_rate|percent|tax rate,vat rate,tax percent,vat percent,gst rate|tax rate,vat rate,vat %,tax %,mwst satz,steuersatz,taux tva,btw %,btw percentage,tipo iva,aliquota,aliquota iva,stawka vat|
shipping|money|shipping,shipping cost,shipping amount,freight,delivery charge,postage,shipping fee|shipping,shipping cost,shipping & handling,shipping and handling,freight,delivery charge,postage,carriage,versandkosten,versand,frais de port,frais de livraison,verzendkosten,gastos de envío,spese di spedizione|
discount|money|discount,discount amount,total discount,rebate|discount,total discount,rebate,rabatt,skonto,remise,korting,descuento,sconto,desconto|
paid|money|amount paid,paid amount,deposit,payment received|amount paid,paid,deposit,already paid,bezahlt,anzahlung,acompte,déjà payé,betaald,pagado,acconto|
currency|currency|currency,currency code,invoice currency|currency,währung,devise,valuta,munt,moneda,divisa,waluta|
currency_symbol|sign|currency symbol,currency sign||
iban|iban|iban,iban number,bank account,account iban,iban no,bank account number|iban,iban no,iban number,bank account,bank account no,bankrekening,rekeningnummer,bankverbindung,konto,kontonummer,compte bancaire,cuenta,conto corrente,account no|
bic|bic|bic,swift,bic code,swift code,bic swift|bic,swift,bic swift,swift code,swift bic,bic code|
vat|vat|vat,vat number,vat id,vat no,vat registration number,tax id,tax number,vat registration,supplier vat,seller vat,vat reg no,gstin,gst number,tax identification number,gst no|vat number,vat no,vat id,vat reg no,vat registration number,vat registration no,tax id,tax number,tax no,tax registration number,ust-idnr,ust id nr,ust id,ustid,umsatzsteuer id,umsatzsteuer identifikationsnummer,steuernummer,st nr,n° tva,numéro de tva,tva intracommunautaire,n° tva intracommunautaire,no tva,btw nummer,btw nr,btw-nr,btw id,btw,btw nummer,nif,cif,nif iva,n.i.f.,partita iva,p iva,p.iva,codice fiscale,nip,gstin,gst no,gst number,gstin no|tva,vat
company_number|id|company number,company registration number,partner coc,coc,coc number,registration number,kvk,kvk number,company reg no,chamber of commerce,siret,siren,cin,trade register|company number,company no,company registration number,company reg no,registered no,registration number,registered number,co reg no,kvk,kvk nummer,kvk nr,k.v.k.,handelsregister,hrb,handelsregisternummer,siret,siren,rcs,r.c.s,cin,krs,regon,rea,registro mercantil|
supplier|org|issuer,supplier,supplier name,vendor,vendor name,seller,seller name,partner name,merchant,merchant name,company,company name,issuer name,from,billed by,biller,service provider,store name|supplier,vendor,seller,issuer,issued by,from,sold by,billed by,service provider,provider,merchant,lieferant,verkäufer,aussteller,fournisseur,vendeur,émetteur,leverancier,verkoper,proveedor,vendedor,emisor,fornitore,cedente,sprzedawca|
customer|org|customer,customer name,client,client name,buyer,buyer name,bill to,bill to name,recipient,recipient name,billed to,sold to,guest name,purchaser|customer,customer name,client,client name,buyer,bill to,bill to address,billed to,sold to,invoice to,invoiced to,billing address,customer details,guest name,recipient,consignee,kunde,rechnungsempfänger,rechnung an,rechnungsadresse,empfänger,käufer,client facturé,facturé à,adresse de facturation,destinataire,klant,klantgegevens,factuuradres,factuur aan,cliente,facturar a,destinatario,acquirente,nabywca,cessionario|name
ship_to|org|ship to,ship to name,deliver to,delivery to|ship to,deliver to,delivery address,shipping address,afleveradres,lieferadresse,lieferanschrift,adresse de livraison,livré à,dirección de entrega,indirizzo di consegna|
telephone|phone|telephone,phone,phone number,telephone number,tel,mobile,contact phone,partner telephone,supplier phone|telephone,phone,phone number,tel,telefon,téléphone,telefoon,teléfono,telefono,mobile,mobil,call us|
fax|phone|fax,fax number|fax,telefax,télécopie|
email|email|email,e mail,email address,partner email,contact email,supplier email,seller email|email,e mail,mail,email address,courriel,correo electrónico|
website|url|website,partner website,url,web,web site,homepage,site,supplier website|website,web,web site,homepage,internet,url,site web|
payment_terms|text|payment terms,terms,terms of payment,payment condition,payment conditions|payment terms,terms of payment,terms,payment condition,zahlungsbedingungen,zahlungsbedingung,conditions de paiement,conditions de règlement,betalingsvoorwaarden,betalingstermijn,condiciones de pago,condizioni di pagamento,termini di pagamento|
payment_method|text|payment method,payment mode,method of payment,mode of payment,paid by,paid with|payment method,payment mode,method of payment,mode of payment,paid by,paid with,payment type,zahlungsart,zahlungsweise,zahlungsmethode,mode de paiement,moyen de paiement,mode de règlement,betaalmethode,betaalwijze,betalingswijze,forma de pago,método de pago,modalità di pagamento,metodo di pagamento,forma płatności|
payment_reference|id|payment reference,payment communication,remittance reference,structured communication|payment reference,payment communication,communication,remittance reference,verwendungszweck,zahlungsreferenz,référence de paiement,betalingskenmerk,gestructureerde mededeling,referencia de pago,following communication for your payment,communication for your payment|
incoterm|code|incoterm,incoterms,delivery terms|incoterm,incoterms,lieferbedingung,terms of delivery|
quantity|number|quantity,qty,count,units,pieces,hours,number of units|quantity,qty,qnty,units,pcs,hours,menge,anzahl,stück,stk,quantité,qté,qte,aantal,hoeveelheid,cantidad,cant,unidades,quantità,q.tà,qta,quantidade,ilość|
unit_price|money|unit price,price unit,price,rate,price per unit,unit cost,price each|unit price,price,rate,price per unit,unit cost,price each,cost,each,einzelpreis,e-preis,preis,stückpreis,stk preis,prix unitaire,pu ht,p.u. ht,prix,prijs,prijs per stuk,stukprijs,eenheidsprijs,precio,precio unitario,p. unitario,prezzo,prezzo unitario,preço unitário,cena,cena netto|
line_amount|money|line total,amount,total,line amount,price subtotal,line subtotal,total price,extended price,net amount,sum,price total,subtotal,value|amount,line total,total,total price,extended price,subtotal,value,betrag,gesamt,gesamtpreis,summe,montant,montant ht,total ht,bedrag,totaal,prijs incl btw,importe,importo,totale,valor,wartość,wartość netto,net amount,sum|
line_tax|percent|line tax percent,tax percent,taxpercent,vat percent,vat rate,tax rate,tax,line tax,vat,gst|tax,taxes,vat,vat %,tax %,vat rate,tax rate,gst,mwst,mwst %,ust,ust %,tva,taux tva,tva %,btw,btw %,iva,iva %,aliquota,podatek,stawka vat|
line_discount|number|discount,disc,discount percent|discount,disc,disc %,rabatt,remise,korting,dto,descuento,sconto|
description|text|description,name,item,item description,item name,product,product name,details,service,desc,article,title,line description|description,item,item description,product,product name,details,service,particulars,designation,name,article,bezeichnung,beschreibung,artikel,artikelbezeichnung,leistung,désignation,libellé,description des articles,omschrijving,product omschrijving,descripción,concepto,artículo,descrizione,prodotto,descrição,nazwa,nazwa towaru,opis|
code|id|code,sku,item code,product code,article number,item number,part number,article no,part no,reference,ref,product id,item no,stock code,item id,artikel|sku,code,item code,item no,item number,item #,product code,part number,part no,article no,article number,stock code,ref,reference,artikelnummer,artikel nr,art nr,art.-nr,artikel,artnr,référence,réf,code article,artikelcode,código,referencia,codice,cod,kod|
barcode|id|barcode,ean,gtin,upc|barcode,ean,gtin,upc|
uom|text|uom,unit,unit of measure,unit of measurement,units|uom,unit,unit of measure,einheit,me,unité,eenheid,unidad,unità,um,u.m.,jm|
line_number|id|line number,line no,line,pos,position,row number,no|line,line no,pos,position,pos.,#,no,nr,n°,lp|
rank|any|rank,position,place,ranking|rank,place,pos,position,rang,platz|
athlete|text|athlete,name,swimmer,player,participant,competitor,full name|name,athlete,swimmer,player,participant,competitor|
country|country|country,nation,nationality,country name,federation|country,land,pays,país,paese,nation,nat,fed,federation,noc|
country_code|country_code|country code,country iso,country iso code||
city|city|city,town,partner city,locality|city,town,ort,stadt,ville,plaats,ciudad,città|
zip|zip|zip,zip code,postal code,postcode,partner zip,post code,zipcode|zip,zip code,postal code,postcode,plz,code postal,código postal,cap|
street|street|street,street address,address line 1,partner street,address line|street,street address,straße,strasse,rue,straat,calle,via|
state|state|state,state code,province,region|state,province,region,bundesland|
address|address|address,full address,postal address,mailing address,billing address,supplier address,vendor address,seller address|address,anschrift,adresse,adres,dirección,indirizzo|
year_birth|integer|year birth,birth year,year of birth,yob,born|yb,yob,year of birth,birth year,born,year,jahrgang|
birth_date|date|birth date,date of birth,dob,birthday|date of birth,dob,birth date,born,geburtsdatum,date de naissance,geboortedatum,fecha de nacimiento,data di nascita|
team|text|team,club,team name,club name|team,club,verein,équipe,squadra|
time|text|time,result,duration,finish time|time,result,zeit,temps,tijd,tiempo|
note|text|note,notes,remark,remarks,comment,comments,narration,memo|note,notes,remarks,remark,comment,comments,bemerkung,hinweis,anmerkung,remarque,opmerking,opmerkingen,observaciones,note|
governing_law|law|governing law,jurisdiction,applicable law,law||
effective_date|effective|effective date,agreement date,contract date,date of agreement,signing date,execution date,commencement date|effective date,agreement date,contract date,commencement date|
parties|party|party,parties,contracting parties,signatories||
term|term|term,duration,contract term,agreement term,term length,confidentiality period|term,duration,laufzeit,durée|
"""


@cache
def concepts() -> dict[str, Concept]:
    """All concepts by name."""
    found = {}
    for line in _TABLE.strip().splitlines():
        name, kind, names, *labels = line.split("|")
        strong, weak = [*labels, "", ""][:2]
        found[name] = Concept(name, kind, _parts(names), _parts(strong), _parts(weak))
    return found


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


CUSTOMER_LABELS = ("customer", "ship_to")
"""Concepts whose labels stand above the address of the one who gets the document."""

IN_ROWS = frozenset(
    "quantity unit_price line_amount line_tax line_discount description code barcode uom line_number rank athlete "
    "year_birth team time".split()
)
"""Concepts of a table's columns; a column called `amount` is none of the whole document's amounts."""

TOTALS = (
    "total subtotal sub-total grand-total summe gesamt gesamtbetrag zwischensumme netto brutto totaal subtotaal exclusief "
    "totale subtotale imponibile sous-total razem suma carried brought forward übertrag report saldo balance"
).split()
"""First words of rows that sum up or carry over, and are no items."""
